import { eventView } from '@sallyport/auth/maintenance';
import type { EpochMs } from '@sallyport/contract';
import { defaultRealm } from '@sallyport/contract';
import type { StoredEvent } from '@sallyport/storage/contracts/outbox';
import { describe, expect, it, vi } from 'vitest';
import { createProgram } from '../sallyport.ts';
import { filterOf } from './event-filter.ts';
import { eventText } from './event-text.ts';

const id = '019b0000-0000-7000-8000-000000000000';
const event: StoredEvent = {
  ...{
    effectId: id,
    realmId: defaultRealm,
    type: 'USER_CREATED',
    version: 1,
    key: id,
    atMs: 1_790_000_000_000 as EpochMs,
  },
  ...{ data: '{"email":"a@example.org"}', position: 7, state: 'dead', tries: 3, reason: 'status_422' },
};

const refusal = async (...args: readonly string[]): Promise<string> => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await createProgram(() => undefined).parseAsync(['events', ...args], { from: 'user' });
    return 'none';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  } finally {
    write.mockRestore();
  }
};

describe('sallyport events', () => {
  it('prints a line without personal data, or JSON with it', () => {
    expect(eventText(eventView(event), false)).toBe(
      `2026-09-21T14:13:20.000Z\t${id}\tUSER_CREATED\t${id}\tdead\t3 tries\tstatus_422\n`,
    );
    expect(JSON.parse(eventText(eventView(event), true))).toMatchObject({
      id,
      user: id,
      data: { email: 'a@example.org' },
    });
  });

  it('replays only what was named', async () => {
    expect(await refusal('replay')).toContain('Say which');
    expect(await refusal('replay', '--all', '--dead')).toContain('Say which');
    expect(await refusal('replay', id, '--type', 'USER_CREATED')).toContain('Say which');
  });

  it('refuses what it cannot read', async () => {
    expect(await refusal('replay', 'x')).toContain('id of an event');
    expect(await refusal('list', '--type', 'USER_MADE')).toContain('no such type');
    expect(await refusal('list', '--since', 'yesterday')).toContain('2026-11-28');
    expect(await refusal('list', '--since', '2026-11-28T13:00')).toContain('2026-11-28');
    expect(await refusal('list', '--user', 'ann@example.org')).toContain('id of a user');
  });

  it('asks the store for what the options say', () => {
    expect(filterOf({ user: id, since: 1, until: 2, state: 'dead', type: 'USER_CREATED' })).toEqual({
      ...{ key: id, sinceMs: 1, untilMs: 2, state: 'dead', type: 'USER_CREATED' },
    });
    expect(filterOf({})).toEqual({});
  });
});

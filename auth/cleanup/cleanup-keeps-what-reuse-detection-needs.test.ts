import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, overlapMs, type World } from '../refresh/testing/world.ts';
import { clean } from './clean.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** Keeps nothing longer than it must. */
const settings = {
  deviceRetentionDays: 30,
  sessionRetentionDays: 0,
  auditRetentionDays: undefined,
  eventRetentionDays: undefined,
};
const cleanUp = () => clean({ storage: world.storage, settings, cutAudit: async () => 0 });
const refresh = async (token: string): Promise<string> => {
  const outcome = await world.refresh(0, token);
  if (outcome === '503') return outcome;
  return outcome.kind === 'refused' ? outcome.code : outcome.refreshToken;
};
/** A session with a token that was replaced twice, long ago. */
const rotatedTwice = async () => {
  const { token: first, sessionId } = await world.login();
  const second = await refresh(first);
  world.advance(overlapMs + 1);
  const third = await refresh(second);
  world.advance(overlapMs + 1);
  return { sessionId, first, third };
};
/** Of every session of this world. */
const idleTtlMs = 3_600_000_000;

describe('the cleanup', () => {
  it('leaves a living session, whose old token then ends it, and goes on to say why', async () => {
    const { first, third } = await rotatedTwice();
    await cleanUp();
    expect(await refresh(first)).toBe('refresh_reused');
    await cleanUp();
    for (const token of [first, third]) expect(await refresh(token)).toBe('refresh_reused');
  });

  it('leaves one that was ended, which goes on to say so until it would have expired; after that nothing of it is accepted', async () => {
    const { sessionId, first, third } = await rotatedTwice();
    await world.endSession(sessionId);
    await cleanUp();
    for (const token of [first, third]) expect(await refresh(token)).toBe('session_revoked');
    world.advance(idleTtlMs);
    expect(await refresh(third)).toBe('session_revoked');
    expect((await cleanUp()).sessions).toBeGreaterThan(0);
    for (const token of [first, third]) expect(await refresh(token)).toBe('refresh_invalid');
  });

  it('takes sessions in more than one step, and each of them once', async () => {
    await cleanUp();
    await Promise.all(Array.from({ length: 2500 }, () => world.login()));
    const alive = await world.login();
    expect((await cleanUp()).sessions).toBe(0);
    world.advance(idleTtlMs);
    const later = await world.login();
    const runs = await Promise.all([cleanUp(), cleanUp()]);
    expect(runs.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(2501);
    expect(await refresh(alive.token)).toBe('refresh_invalid');
    expect(await refresh(later.token)).toMatch(/^.{74}$/);
  });
});

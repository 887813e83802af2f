import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@sallyport/contract';
import { systemClock } from '@sallyport/kit/clock';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usernameGuess } from './factor.ts';
import { createGuessGuard } from './guess-guard.ts';

const codeOf = (error: unknown): string => (error instanceof Problem ? error.code : 'no problem');

const folder = mkdtempSync(join(tmpdir(), 'guess-guard-'));
let storage: Storage;

beforeAll(async () => {
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  storage = await drivers.sqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 1000 });
});

afterAll(async () => {
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

const guardWith = (loginLimitPerMinute: number) =>
  createGuessGuard({
    counters: storage.counters,
    settings: { loginLimitPerMinute, loginLimitPerAddress: 0, lockout: false, hashQueueWaitSeconds: 1 },
    clock: systemClock(),
    random: systemRandom,
  });

const wrong = async () => ({ right: false, value: false });
/** Each of them finds the account `ann@example.com`. */
const spellings = [
  'ann@example.com',
  'ANN@Example.com',
  'ann@exam\u00adple.com',
  'ann@ex\u200bample.com',
  'ann@example\u3002com',
  '\uff41nn@example.com',
];

describe('the guess guard', () => {
  it('counts all spellings of one address as one account', async () => {
    const guard = guardWith(2);
    const tries = [];
    for (const identifier of spellings) {
      tries.push(await guard({ identifier, address: '192.0.2.1', judge: wrong }).then(({ kind }) => kind, codeOf));
    }
    expect(tries).toEqual(['judged', 'judged', 'rate_limited', 'rate_limited', 'rate_limited', 'rate_limited']);
  });

  it('counts what is no address by its folded spelling', async () => {
    const guard = guardWith(1);
    await guard({ identifier: 'Bob', address: '192.0.2.1', judge: wrong });
    await expect(guard({ identifier: 'bob', address: '192.0.2.1', judge: wrong })).rejects.toMatchObject({
      code: 'rate_limited',
    });
  });

  it('counts a user name by what the account is found by, whatever stands in front of it', async () => {
    const guard = guardWith(1);
    const guess = (username: string) =>
      guard({ identifier: usernameGuess(username), address: '192.0.2.1', judge: wrong }).then(() => 'counted', codeOf);
    // A capital sigma is another small letter at the end of a word, and a word is what stands before a colon.
    expect([await guess('Σ1'), await guess('σ1'), await guess('ς1')]).toEqual(['counted', 'rate_limited', 'counted']);
    expect([await guess('eve@example.org'), await guess('eve@example\u3002org')]).toEqual(['counted', 'counted']);
  });

  it('asks the store no more often for a thousand waiting guesses than for fifty', async () => {
    let asked = 0;
    const reserveAttempt = async () => {
      asked += 1;
      return { kind: 'wait' as const };
    };
    const guard = createGuessGuard({
      counters: { ...storage.counters, reserveAttempt },
      settings: { loginLimitPerMinute: 1, loginLimitPerAddress: 0, lockout: false, hashQueueWaitSeconds: 1 },
      clock: systemClock(),
      random: systemRandom,
    });
    const waiting = Array.from({ length: 1000 }, () =>
      guard({ identifier: 'crowd', address: undefined, judge: wrong }).catch(codeOf),
    );
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['busy']));
    // Once each at the start, then at most 50 in 40 ms for one second, with room for a slow machine.
    expect(asked).toBeLessThan(5000);
  });
});

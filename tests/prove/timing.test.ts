import { describe, expect, it } from 'vitest';
import { provenLoginStorm } from './login-storm.ts';
import { seeded } from './seeded.ts';
import { provenTabStorm } from './tab-storm.ts';
import { loginTiming } from './timing.ts';

describe('a refused login', () => {
  it('takes as long whatever is wrong, and not where the hash for unknown users is skipped', async () => {
    const counts = { pairs: 100, controlPairs: 50, otherPairs: 30, sabotagedPairs: 20 };
    expect(await loginTiming({ ...counts, random: seeded(3) })).toMatchObject({ passed: true });
  }, 120_000);
});

describe('a storm of logins', () => {
  it('keeps no refresh and no verify from its answer, and slows them where hashes block the event loop', async () => {
    const { argon2id, bcrypt, sabotaged } = await provenLoginStorm({ seconds: 2, parallel: 8 });
    for (const { refresh, verify, logins } of [argon2id, bcrypt]) {
      expect([refresh.count, refresh.failed, verify.count, verify.failed]).toEqual([40, 0, 100, 0]);
      expect(logins).toBeGreaterThan(4);
    }
    // How fast is for `npm run prove`: this machine may be doing anything else.
    expect(sabotaged.verify.p50Ms).toBeGreaterThan(argon2id.verify.p50Ms * 2);
  }, 90_000);
});

describe('tabs of many browsers', () => {
  it('logs nobody out when browsers with five tabs refresh at once and lose answers, and does without overlap and attempt ids', async () => {
    const { body, cookie, unprotected, passed } = await provenTabStorm(10, seeded(2), 3);
    expect({ passed, body, cookie, unprotected }).toMatchObject({ passed: true });
    for (const storm of [body, cookie]) {
      expect(storm).toMatchObject({
        refusals: 0,
        loggedOut: 0,
        reuseVerdicts: 0,
        gaveUp: 0,
        sessionsStillRefreshing: 10,
      });
      expect(storm.lostAnswers + storm.cutConnections).toBeGreaterThan(20);
    }
    expect(unprotected.loggedOut).toBeGreaterThan(0);
    expect(unprotected.reuseVerdicts).toBeGreaterThan(0);
  }, 60_000);
});

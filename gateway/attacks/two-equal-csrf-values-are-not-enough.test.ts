import { describe, expect, it } from 'vitest';
import { bearer, csrfTokens, problemOf, send, startGateway } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const attacker = csrfTokens.issue('0192f0c1-2b3c-7d4e-8f50-ffffffffffff');
const doubled = (token: string) => ({ ...bearer(), 'x-csrf-token': token, cookie: `csrf_token=${token}` });

/** Whoever controls a sibling domain can set the cookie, and the header to match it. */
describe('a cookie set from a sibling domain', () => {
  it('does not pass with a header to match, also not with a genuine token of the attacker', async () => {
    const gateway = await startGateway();
    for (const token of ['A'.repeat(43), Buffer.alloc(32, 1).toString('base64'), attacker]) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await send(gateway, '/api/v1/payments', { method, headers: doubled(token) });
        expect([answer.status, problemOf(answer)['code']]).toEqual([403, 'csrf_mismatch']);
      }
    }
    expect(gateway.services.seen()).toBe(0);
  });

  it('does not pass beside the real one', async () => {
    const gateway = await startGateway();
    const headers = { ...doubled(attacker), cookie: `csrf_token=${attacker}; csrf_token=${attacker}` };
    const answer = await send(gateway, '/api/v1/payments', { method: 'POST', headers });
    expect([answer.status, problemOf(answer)['code']]).toEqual([400, 'cookie_ambiguous']);
  });
});

describe('is known to be able to fail', () => {
  it('where two equal values are enough the attack succeeds', async () => {
    const sabotage = {
      file: 'steps/csrf.ts',
      find: 'if (tokens.isValid(headerToken, sid) && tokens.isValid(cookieToken, sid)) return undefined;',
      replace: 'if (headerToken === cookieToken) return undefined;',
    };
    await withSabotage(sabotage, async (start) => {
      const gateway = await startGateway({}, undefined, start);
      const answer = await send(gateway, '/api/v1/payments', { method: 'POST', headers: doubled(attacker) });
      expect(answer.status).toBe(200);
    });
  });
});

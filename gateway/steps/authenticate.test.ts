import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf, routeTo, verifier } from '../testing/exchange.ts';
import { mint, userId } from '../testing/rig.ts';
import { authenticate } from './authenticate.ts';

const step = authenticate({ verifier });
const run = (...lines: readonly string[]) => {
  const exchange = exchangeOf('GET', '/', ...lines);
  exchange.route = routeTo('a');
  return { code: outcomeOf(step.run(exchange)), sub: exchange.token?.claims.sub };
};

describe('authenticate', () => {
  it('leaves the verified token', () => {
    expect(run('Authorization', `Bearer ${mint()}`)).toEqual({ code: 'goes on', sub: userId });
    expect(run('authorization', `bearer ${mint()}`).sub).toBe(userId);
  });

  it.each([
    ['nothing', [], 'token_missing'],
    ['an empty header', ['Authorization', ''], 'token_missing'],
    ['another scheme', ['Authorization', 'Basic eDp5'], 'authorization_malformed'],
    ['no token', ['Authorization', 'Bearer'], 'authorization_malformed'],
    ['two spaces', ['Authorization', `Bearer  ${mint()}`], 'authorization_malformed'],
    ['two tokens', ['Authorization', `Bearer ${mint()}, Bearer ${mint()}`], 'authorization_malformed'],
    [
      'two headers',
      ['Authorization', `Bearer ${mint()}`, 'authorization', `Bearer ${mint()}`],
      'authorization_malformed',
    ],
    ['an underscore in disguise', ['Authori_zation', `Bearer ${mint()}`], 'token_missing'],
    ['an invalid token', ['Authorization', 'Bearer a.b.c'], 'token_invalid'],
    ['an expired token', ['Authorization', `Bearer ${mint({ exp: 1000, iat: 1, nbf: 1 })}`], 'token_expired'],
  ])('refuses %s', (_, lines, code) => {
    expect(run(...lines)).toEqual({ code, sub: undefined });
  });

  it('asks nobody on public routes', () => {
    const exchange = exchangeOf('GET', '/', 'Authorization', 'nonsense');
    exchange.route = routeTo('a', { isProtected: false });
    expect([outcomeOf(step.run(exchange)), exchange.token]).toEqual(['goes on', undefined]);
  });

  it('waits where a key has to be fetched, and passes the verdict on', async () => {
    const verdict = verifier.verify(mint());
    const exchange = exchangeOf('GET', '/', 'Authorization', `Bearer ${mint()}`);
    exchange.route = routeTo('a');
    const pending = authenticate({ verifier: { verify: () => Promise.resolve(verdict) } }).run(exchange);
    expect(outcomeOf(pending)).toBe('waits');
    expect([await pending, exchange.token?.claims.sub]).toEqual([undefined, userId]);
  });

  it('answers 503 where the token could not be judged', () => {
    const exchange = exchangeOf('GET', '/', 'Authorization', `Bearer ${mint()}`);
    exchange.route = routeTo('a');
    const unknown = { ok: false, code: 'revocation_unavailable', reason: 'revocation_unknown' } as const;
    const outcome = authenticate({ verifier: { verify: () => unknown } }).run(exchange);
    expect(outcome).toMatchObject({ status: 503, code: 'revocation_unavailable', retryAfterSeconds: 1 });
  });
});

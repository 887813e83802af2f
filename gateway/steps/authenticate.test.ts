import { describe, expect, it } from 'vitest';
import type { ProxyRoute } from '../route-table.ts';
import { demandProof, exchangeOf, outcomeOf, routeTo, verifier } from '../testing/exchange.ts';
import { mint, userId } from '../testing/rig.ts';
import { authenticate } from './authenticate.ts';

const step = authenticate({ verifier, demandProof });
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
    exchange.route = routeTo('a', { access: 'public' });
    expect([outcomeOf(step.run(exchange)), exchange.token]).toEqual(['goes on', undefined]);
  });

  it('waits where a key has to be fetched, and passes the verdict on', async () => {
    const verdict = verifier.verify(mint());
    const exchange = exchangeOf('GET', '/', 'Authorization', `Bearer ${mint()}`);
    exchange.route = routeTo('a');
    const pending = authenticate({
      verifier: { seen: () => undefined, verify: () => Promise.resolve(verdict) },
      demandProof,
    }).run(exchange);
    expect(outcomeOf(pending)).toBe('waits');
    expect([await pending, exchange.token?.claims.sub]).toEqual([undefined, userId]);
  });

  it('answers 503 where the token could not be judged', () => {
    const exchange = exchangeOf('GET', '/', 'Authorization', `Bearer ${mint()}`);
    exchange.route = routeTo('a');
    const unknown = { ok: false, code: 'revocation_unavailable', reason: 'revocation_unknown' } as const;
    const outcome = authenticate({ verifier: { seen: () => undefined, verify: () => unknown }, demandProof }).run(
      exchange,
    );
    expect(outcome).toMatchObject({ status: 503, code: 'revocation_unavailable', retryAfterSeconds: 1 });
  });

  it('takes an anonymous caller for one where identifying is optional, and refuses bad credentials there', () => {
    const optional = (...lines: readonly string[]) => judge({ access: 'optional' }, undefined, ...lines);
    expect(optional()).toEqual({ code: 'goes on', sub: undefined, cookie: false });
    expect(optional('Authorization', `Bearer ${mint()}`).sub).toBe(userId);
    expect(optional('Authorization', 'Bearer a.b.c').code).toBe('token_invalid');
    expect(optional('Authorization', 'Basic eDp5').code).toBe('authorization_malformed');
    expect(optional('Authorization', '').code).toBe('token_missing');
    expect(optional('Authorization', `Bearer ${mint({ exp: 1000, iat: 1, nbf: 1 })}`).code).toBe('token_expired');
  });
});

const judge = (route: Partial<ProxyRoute>, accessCookie: string | undefined, ...lines: readonly string[]) => {
  const exchange = exchangeOf('GET', '/', ...lines);
  exchange.route = routeTo('a', route);
  const code = outcomeOf(authenticate({ verifier, demandProof, accessCookie }).run(exchange));
  return { code, sub: exchange.token?.claims.sub, cookie: exchange.sentAccessCookie };
};

describe('an access token in a cookie', () => {
  const other = '0192f0c1-2b3c-7d4e-8f50-00000000000f';
  const withCookie = (access: ProxyRoute['access'], ...lines: readonly string[]) =>
    judge({ access }, '__Host-access', ...lines);

  it('identifies where its name is set, and nowhere else', () => {
    const cookie = ['Cookie', `__Host-access=${mint()}`] as const;
    expect(withCookie('required', ...cookie)).toEqual({ code: 'goes on', sub: userId, cookie: true });
    expect(withCookie('optional', ...cookie)).toEqual({ code: 'goes on', sub: userId, cookie: true });
    expect(judge({}, undefined, ...cookie)).toEqual({ code: 'token_missing', sub: undefined, cookie: false });
  });

  it('is refused where it is bad, also where nobody has to be identified', () => {
    for (const access of ['required', 'optional'] as const) {
      expect(withCookie(access, 'Cookie', '__Host-access=a.b.c').code).toBe('token_invalid');
      expect(withCookie(access, 'Cookie', `__Host-access=${mint()}; __Host-access=${mint()}`).code).toBe(
        'cookie_ambiguous',
      );
    }
  });

  it('stands behind Authorization, and is not forgotten for it', () => {
    const both = [
      'Cookie',
      `__Host-access=${mint()}`,
      'Authorization',
      `Bearer ${mint({ sub: other, user_id: other })}`,
    ];
    expect(withCookie('required', ...both)).toEqual({ code: 'goes on', sub: other, cookie: true });
    // A bad header is not made good by a cookie.
    expect(withCookie('optional', 'Cookie', `__Host-access=${mint()}`, 'Authorization', 'Bearer x').code).not.toBe(
      'goes on',
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { start } from '../server.ts';
import {
  bearer,
  mint,
  problemOf,
  type Rig,
  seenBy,
  send,
  startGatewayWithRoutes,
  unsafe,
  valuesOf,
} from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const table = (url: string) => ({
  version: 1,
  services: [{ id: 'shop', url }],
  routes: [
    { path: '/orders', service: 'shop', access: 'required', csrf: 'cookie' },
    { path: '/news', service: 'shop', access: 'optional' },
  ],
});

const startWith = (begin?: typeof start): Promise<Rig> =>
  startGatewayWithRoutes(table, { ACCESS_COOKIE_NAME: 'access', CORS_ORIGINS: 'https://shop.example' }, begin);

const access = (): string => `access=${mint()}`;
const codeOf = async (gateway: Rig, path: string, method: string, headers: Record<string, string>) => {
  const answer = await send(gateway, path, { method, headers });
  return answer.status === 200 ? 200 : problemOf(answer)['code'];
};
/** A header that a page has added: good, and of the same user. */
const headerBeside = () => ({ cookie: access(), ...bearer() });
const forgedOrigin = () => {
  const { cookie, ...rest } = unsafe();
  return { ...rest, cookie: `${cookie}; ${access()}`, origin: 'https://evil.example' };
};

describe('a page of somebody else', () => {
  it('cannot change anything with the cookie alone, nor with a header beside it', async () => {
    const gateway = await startWith();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(await codeOf(gateway, '/orders', method, { cookie: access() })).toBe('csrf_header_missing');
      expect(await codeOf(gateway, '/orders', method, headerBeside())).toBe('csrf_header_missing');
      expect(await codeOf(gateway, '/news', method, headerBeside())).toBe('csrf_header_missing');
    }
    expect(await codeOf(gateway, '/orders', 'POST', { ...bearer() })).toBe(200);
  });

  it('cannot change anything with stolen CSRF tokens either', async () => {
    const gateway = await startWith();
    expect(await codeOf(gateway, '/orders', 'POST', forgedOrigin())).toBe('origin_refused');
    expect(await codeOf(gateway, '/orders', 'POST', { ...forgedOrigin(), origin: 'https://shop.example' })).toBe(200);
    const { origin: _, ...silent } = forgedOrigin();
    expect(await codeOf(gateway, '/orders', 'POST', { ...silent, 'sec-fetch-site': 'cross-site' })).toBe(
      'origin_refused',
    );
  });
});

describe('bad credentials', () => {
  it('are never taken for none', async () => {
    const gateway = await startWith();
    const bad = { authorization: `Bearer ${mint({}, {}, 'another secret for tests, forty bytes..')}` };
    expect(await codeOf(gateway, '/news', 'GET', bad)).toBe('token_invalid');
    expect(await codeOf(gateway, '/news', 'GET', { cookie: 'access=a.b.c' })).toBe('token_invalid');
    expect(await codeOf(gateway, '/news', 'GET', { cookie: access(), ...bad })).toBe('token_invalid');
    expect(await codeOf(gateway, '/news', 'GET', { cookie: `${access()}; ${access()}` })).toBe('cookie_ambiguous');
  });

  it('and none are anonymous: the cookie does not reach the service', async () => {
    const gateway = await startWith();
    const seen = seenBy(await send(gateway, '/news', { headers: { cookie: `theme=dark; ${access()}` } }));
    expect([valuesOf(seen, 'cookie'), valuesOf(seen, 'x-user-id').length]).toEqual([['theme=dark'], 1]);
    expect(valuesOf(seenBy(await send(gateway, '/news')), 'x-user-id')).toEqual([]);
  });
});

describe('is known to be able to fail', () => {
  it('where only the credential that identified counts, a header saves the CSRF token', async () => {
    const sabotage = {
      file: 'steps/authenticate.ts',
      find: 'exchange.sentAccessCookie = inCookie.length > 0;',
      replace: 'exchange.sentAccessCookie = inCookie.length > 0 && headers.authorization.length === 0;',
    };
    await withSabotage(sabotage, async (begin) => {
      expect(await codeOf(await startWith(begin), '/orders', 'POST', headerBeside())).toBe(200);
    });
  });

  it('where nobody asks for the page, stolen tokens are enough', async () => {
    const sabotage = {
      file: 'steps/csrf.ts',
      find: 'return judgeTokens(exchange) ?? judgePage(exchange);',
      replace: 'return judgeTokens(exchange);',
    };
    await withSabotage(sabotage, async (begin) => {
      expect(await codeOf(await startWith(begin), '/orders', 'POST', forgedOrigin())).toBe(200);
    });
  });

  it('where a bad token is taken for none, it passes as nobody', async () => {
    const sabotage = {
      file: 'steps/authenticate.ts',
      find: 'if (!verification.ok) return refusal(verification);',
      replace:
        "if (!verification.ok) return exchange.route?.kind === 'proxy' && exchange.route.access === 'optional' ? undefined : refusal(verification);",
    };
    await withSabotage(sabotage, async (begin) => {
      expect(await codeOf(await startWith(begin), '/news', 'GET', { authorization: 'Bearer a.b.c' })).toBe(200);
    });
  });
});

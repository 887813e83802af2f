/** Paths, private places, foreign pages and limits: no door knows less than the other. */
import { describe, expect, it } from 'vitest';
import type { start } from '../server.ts';
import { doors, startRawService } from '../testing/raw-service.ts';
import { bearer, mint, type Rig, sendRaw, startGateway, startGatewayWithRoutes, statusesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

type Door = (typeof doors)[number][1];
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok';
const authorization = (): string => `authorization: ${bearer().authorization}`;
const statusOf = async (gateway: Rig, bytes: string): Promise<number | undefined> =>
  statusesOf(await sendRaw(gateway, bytes))[0];

/** A gateway whose services, public and protected, are one that remembers. */
const startBeforeAll = async (env: Readonly<Record<string, string>> = {}, begin?: typeof start) => {
  const service = await startRawService(ok);
  const urls = ['AUTH', 'USER', 'PAYMENT', 'NOTIFICATION'].map((name) => [`${name}_SERVICE_URL`, service.url]);
  return { service, gateway: await startGateway({ ...Object.fromEntries(urls), ...env }, undefined, begin) };
};

const confusing = [
  ...['/api/v1/auth/../users/me', '/api/v1/auth/..%2fusers/me', '/api/v1/auth/%2e%2e/users/me', '/api/v1/auth/%2E./me'],
  ...['/api/v1/auth/.%2e/users/me', '/api/v1/auth/./login', '/api/v1/auth//users/me', '//api/v1/auth/login'],
  ...['/api/v1/auth/..;/users/me', '/api/v1/auth;x=1/login', '/api/v1/auth/\\..\\users', '/api/v1/auth/%5c..%5cusers'],
  ...['/api/v1/auth/login%00', '/api/v1/auth/login%0d%0aX-User-Id:1', '/api/v1/auth/%252e%252e/users/me'],
  ...['/api/v1/auth/%c0%ae%c0%ae/users', '/api/v1/auth/%zz', '/api/v1/%61uth/login', '/api/v1/users/me/'],
  ...['/api/v1/auth/login#/users', '/api/v1/auth/login?', '/api/v1/auth/login?a=%zz', '/api/v1/auth/caf\xe9'],
  ...['/api/v1/auth/%e2%80', '/api/v1/auth/%ff', '/api/v1/auth/a"b', '/api/v1/auth/a%7fb', '/api/v1/auth/%u002e'],
  ...['http://other/api/v1/auth/login', 'http:/api/v1/auth/login', 'http:///api/v1/auth/login', 'http://a@a/api/v1'],
  ...['http://a:80/api/v1/auth/login', 'http://a/api/v1/auth/../users/me', 'http://a//api/v1/auth/login', 'a:80', '*'],
  ...['/http://a/api/v1/auth/login', '\\api\\v1\\auth', 'api/v1/auth/login', '?/api/v1/auth/login', '/api/v1/auth/a;'],
];
const privatePlaces = [
  ...['/metrics', '/v1/revocations', '/admin', '/openapi.json', '/.well-known/jwks.json', '/public-key', '/users/me'],
  ...['/auth/login', '/api/v1/metrics', '/api/v1/v1/revocations', '/API/v1/users/me', '/api/v1/usersx', '/api/v1/auth'],
  ...[
    '/api/v1',
    '/',
    '/metrics?x=/api/v1/auth/login',
    '/forward-auth',
    '/forward-auth/api/v1/users/me',
    '/debug/pprof',
  ],
];
const encodedPlaces = [
  '/%6detrics',
  '/metrics%20',
  '/metrics/',
  '//metrics',
  '/./metrics',
  '/METRICS',
  '/metrics%2f',
  '/metrics;',
];

describe.each(doors)('%s:', (_, door) => {
  it('a path with two readings is 400 and reaches no service', async () => {
    const { gateway, service } = await startBeforeAll();
    for (const path of confusing) {
      expect([path, await statusOf(gateway, door(path, authorization()))]).toEqual([path, 400]);
    }
    expect(service.received).toEqual([]);
  });

  it('a private place is 404, and its other spellings are 400 or 404', async () => {
    const { gateway, service } = await startBeforeAll();
    for (const path of privatePlaces) {
      expect([path, await statusOf(gateway, door(path, authorization()))]).toEqual([path, 404]);
    }
    for (const path of encodedPlaces) {
      expect([path, await statusOf(gateway, door(path, authorization()))]).toEqual([
        path,
        expect.toBeOneOf([400, 404]),
      ]);
    }
    expect(service.received).toEqual([]);
  });

  it('another host in the target, in Host or behind it opens no route of a host', async () => {
    const table = (url: string) => ({
      version: 1,
      services: [{ id: 'shop', url }],
      routes: [
        { path: '/site/*', hosts: ['www.example'], service: 'shop', access: 'public' },
        { path: '/site/*', service: 'shop', access: 'required' },
      ],
    });
    const gateway = await startGatewayWithRoutes(table);
    const at = (target: string, ...lines: readonly string[]) => statusOf(gateway, door(target, ...lines));
    expect(await at('/site/a', 'host: www.example')).toBe(200);
    for (const [target, ...lines] of [
      ['/site/a', 'host: admin.example', 'x-forwarded-host: www.example'],
      ['/site/a', 'host: admin.example', 'x-host: www.example', 'forwarded: host=www.example'],
      ['/site/a', 'host: admin.example', 'host: www.example'],
      ['/site/a', 'host: www.example', 'host: www.example'],
      ['/site/a', 'host: www.example, admin.example'],
      ['/site/a', 'host: www.example\x00'],
      ['/site/a', 'host: www.example#'],
      ['/site/a', 'host: www.example/..'],
      ['/site/a', 'host: admin.example@www.example'],
      ['/site/a', 'host: [www.example]'],
      ['/site/a', 'host: www.example:80:80'],
      ['http://www.example/site/a', 'host: admin.example'],
      ['http://admin.example/site/a', 'host: www.example'],
      ['https://www.example:444/site/a', 'host: www.example'],
    ] as const) {
      expect([target, ...lines, await at(target, ...lines)]).toEqual([target, ...lines, expect.toBeOneOf([400, 401])]);
    }
  });

  it('addresses that a client names, or has within one /64, are one to the flood limit', async () => {
    const limit = { FLOOD_LIMIT_PER_MINUTE: '60', FLOOD_LIMIT_BURST: '3' };
    const served = async (gateway: Rig, addressOf: (n: number) => string): Promise<number> => {
      let count = 0;
      for (let n = 0; n < 8; n += 1) {
        const status = await statusOf(gateway, door('/health', `x-forwarded-for: ${addressOf(n)}`));
        if (status !== 429) count += 1;
      }
      return count;
    };
    const { gateway } = await startBeforeAll(limit);
    expect(await served(gateway, (n) => `203.0.113.${n}`)).toBeLessThanOrEqual(4);
    for (const addressOf of [
      (n: number) => `2001:db8::${n}`,
      (n: number) => `2001:DB8:0:0:${n}:${n}::`,
      (n: number) => `203.0.113.${n}, 198.51.100.7`,
      (n: number) => (n % 2 === 0 ? '198.51.100.8' : '::ffff:198.51.100.8'),
      (n: number) => `unknown-${n}`,
      (n: number) => `198.51.100.9, nonsense ${n}`,
    ]) {
      const { gateway: behindProxy } = await startBeforeAll({ ...limit, TRUSTED_PROXIES: '127.0.0.1' });
      expect(await served(behindProxy, addressOf)).toBeLessThanOrEqual(4);
    }
    const { gateway: behindProxy } = await startBeforeAll({ ...limit, TRUSTED_PROXIES: '127.0.0.1' });
    // What is counted apart: others than the attacker, so that the above can fail.
    expect(await served(behindProxy, (n) => `2001:db8:0:${n}::1`)).toBe(8);
  });
});

describe('a page of somebody else', () => {
  const [, door] = doors[1];
  const env = { ACCESS_COOKIE_NAME: 'access', CORS_ORIGINS: 'https://shop.example' };
  const open = (gateway: Rig, ...lines: readonly string[]) =>
    statusOf(gateway, door('/api/v1/users/me', `cookie: access=${mint()}`, ...lines));

  it('opens no WebSocket with its visitor’s cookie', async () => {
    const { gateway, service } = await startBeforeAll(env);
    for (const lines of [
      ['origin: https://evil.example'],
      ['origin: https://shop.example.evil.example'],
      ['origin: https://shop.example:444'],
      ['origin: http://shop.example'],
      ['origin: null'],
      ['origin: https://shop.example https://evil.example'],
      ['origin: https://shop.example', 'origin: https://evil.example'],
      ['origin: https://evil.example', 'host: shop.example'],
      ['origin: http://a'],
      ['sec-fetch-site: cross-site'],
      ['sec-fetch-site: cross-site', authorization()],
      ['origin: https://evil.example', authorization()],
    ]) {
      expect([...lines, await open(gateway, ...lines)]).toEqual([...lines, expect.toBeOneOf([400, 403])]);
    }
    expect(service.received).toEqual([]);
    expect(await open(gateway, 'origin: https://shop.example')).toBe(200);
  });

  it('opens one where nobody asks where it comes from', async () => {
    const sabotage = {
      file: 'steps/csrf.ts',
      find: 'if (isUpgrade) return judgePage(exchange);',
      replace: 'if (isUpgrade) return undefined;',
    };
    await withSabotage(sabotage, async (begin) => {
      const { gateway } = await startBeforeAll(env, begin);
      expect(await open(gateway, 'origin: https://evil.example')).toBe(200);
    });
  });
});

describe('is known to be able to fail', () => {
  const judged: readonly (readonly [string, Door, string])[] = doors.map(([kind, door]) => [
    kind,
    door,
    '/api/v1/auth/../users/me',
  ]);
  it.each(judged)('%s: where dot segments pass, a public route leads to a protected one', async (_, door, path) => {
    const sabotage = {
      file: 'steps/canonical-target.ts',
      find: "if (path.includes('/.') && dotSegment.test(path)) return false;",
      replace: '',
    };
    await withSabotage(sabotage, async (begin) => {
      const { gateway, service } = await startBeforeAll({}, begin);
      await sendRaw(gateway, door(path));
      expect(service.received.join('')).toContain('GET /auth/../users/me HTTP/1.1');
    });
  });

  it.each(doors)('%s: where anybody’s word for an address counts, it rotates', async (_, door) => {
    const sabotage = {
      file: 'address/client-address.ts',
      find: 'if (forwardedFor.length === 0 || !trusted.has(address)) return address;',
      replace: 'if (forwardedFor.length > 0) return String(forwardedFor[0]);',
    };
    await withSabotage(sabotage, async (begin) => {
      const { gateway } = await startBeforeAll({ FLOOD_LIMIT_PER_MINUTE: '60', FLOOD_LIMIT_BURST: '1' }, begin);
      for (let n = 0; n < 4; n += 1) {
        expect(await statusOf(gateway, door('/health', `x-forwarded-for: 203.0.113.${n}`))).not.toBe(429);
      }
    });
  });
});

/**
 * The whole system, as bytes: calls past the gateway with what somebody could have got hold of, private listeners through the public
 * door, and a session that has ended, at both doors of the gateway.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { forgeText, hmacSigner, type Json } from '../testing/forge.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Microservices, startMicroservices } from '../testing/microservices.ts';
import { type LoggedIn, signUp } from '../testing/people.ts';
import { rawExchange, statusOf } from '../testing/raw-exchange.ts';

let system: Microservices;
let ann: LoggedIn;
beforeAll(async () => {
  system = await startMicroservices();
  ann = await signUp(httpClient(system.gateway.url), undefined, '/api/v1');
});
afterAll(() => system.remove());

type Service = readonly [name: string, serverOf: () => ChildServer, method: string, target: string];
const services: readonly Service[] = [
  ['user-service', () => system.users, 'GET', '/users/profile'],
  ['user-service', () => system.users, 'PUT', '/users/profile'],
  ['user-service', () => system.users, 'DELETE', '/users/account'],
  ['payment-service', () => system.payments, 'GET', '/payments?x=1'],
  ['payment-service', () => system.payments, 'POST', '/payments'],
  ['notification-service', () => system.notifications, 'GET', '/notifications'],
];

/** Of version 7, as the gateway makes them. */
const newId = (): string => `${randomUUID().slice(0, 14)}7${randomUUID().slice(15)}`;
const now = (): number => Math.floor(Date.now() / 1000);
const hashOf = (target: string): string => createHash('sha256').update(target).digest('base64url');

/** An assertion as the gateway would make it for this service, with some members changed; `key`: another service's. */
const assertion = (
  [service, , method, target]: Service,
  claims: Json = {},
  header: Json = {},
  key: string = service,
) => {
  const [kid = '', secret = ''] = system.installation.assertionKeys(key).split(':');
  return forgeText(
    hmacSigner(Buffer.from(secret, 'base64url')),
    JSON.stringify({ alg: 'HS256', typ: 'gw-assertion+jwt', kid, ...header }),
    JSON.stringify({
      ...{ ver: 1, iss: 'gateway', aud: service, iat: now(), exp: now() + 30, jti: newId(), cip: '127.0.0.1' },
      ...{ mth: method, pth: hashOf(target), sub: ann.userId, email: ann.person.email, name: 'Ann', sid: randomUUID() },
      ...claims,
    }),
  );
};

/** The assertion was good: what a service says of a body or a query that is not its own comes after it. */
const past = [200, 201, 400];
const body = JSON.stringify({ amount: '12.00', currency: 'EUR', bio: 'x' });
const call = async (server: ChildServer, method: string, target: string, ...lines: readonly string[]) =>
  rawExchange(
    server.url,
    `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.map((line) => `${line}\r\n`).join('')}` +
      (method === 'GET' ? '\r\n' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  );

const plainSignature = (): readonly string[] => {
  const text = `${ann.userId}:${ann.person.email}`;
  const signature = createHmac('sha256', system.installation.gatewaySecret).update(text).digest('hex');
  return [`X-User-Id: ${ann.userId}`, `X-User-Email: ${ann.person.email}`, `X-Gateway-Signature: ${signature}`];
};

describe.each(services)('%s called past the gateway', (...service) => {
  const [, serverOf, method, target] = service;
  const lineOf = (text: string): string => `X-Gateway-Assertion: ${text}`;
  const refused = async (...lines: readonly string[]): Promise<void> => {
    const answer = await call(serverOf(), method, target, ...lines);
    expect([lines[0]?.slice(0, 60), statusOf(answer)]).toEqual([lines[0]?.slice(0, 60), 401]);
  };

  it('answers an assertion that is all right, so that what follows can fail', async () => {
    // Not DELETE: the account is needed; its order of checks is that of the others.
    if (method === 'DELETE') return;
    expect(statusOf(await call(serverOf(), method, target, lineOf(assertion(service))))).toBeOneOf(past);
  });

  it('refuses none, with whatever is there instead', async () => {
    await refused();
    await refused(lineOf(''));
    await refused(...plainSignature(), 'X-Roles: admin');
    await refused(`Authorization: Bearer ${ann.access}`);
    await refused(`X_Gateway_Assertion: ${assertion(service)}`);
    await refused(`Cookie: X-Gateway-Assertion=${assertion(service)}`);
  });

  it('refuses one that is stale, early, foreign, misdirected or nobody’s', async () => {
    const other = service[0] === 'user-service' ? 'payment-service' : 'user-service';
    for (const text of [
      assertion(service, { iat: now() - 120, exp: now() - 90 }),
      assertion(service, { iat: now() - 61, exp: now() - 31 }),
      assertion(service, { iat: now() + 120, exp: now() + 150 }),
      assertion(service, { exp: now() + 86_400 }),
      assertion(service, { aud: other }),
      assertion(service, { aud: [service[0]] }),
      assertion(service, {}, {}, other),
      assertion(service, { aud: other }, {}, other),
      assertion(service, { iss: 'auth-service' }),
      assertion(service, { mth: 'PATCH' }),
      assertion(service, { mth: method.toLowerCase() }),
      assertion(service, { pth: hashOf(`/api/v1${target}`) }),
      assertion(service, { pth: hashOf(`${target}&`) }),
      assertion(service, { pth: target }),
      assertion(service, { ver: 2 }),
      assertion(service, { anon: true, sub: undefined }),
      assertion(service, { jti: undefined }),
      assertion(service, {}, { alg: 'none' }),
      assertion(service, {}, { typ: 'at+jwt' }),
      assertion(service, {}, { kid: 'm2' }),
      assertion(service).replace(/[^.]+$/, ''),
      ann.access,
    ]) {
      await refused(lineOf(text));
    }
  });

  it('refuses one for another path or method than the one that is called, and two at once', async () => {
    const good = assertion(service);
    for (const [otherMethod, otherTarget] of [
      [method, `${target}${target.includes('?') ? '&' : '?'}y=1`],
      [method, target.replace(/^\/(\w+)/, '/$1/')],
      [method === 'GET' ? 'POST' : 'GET', target],
    ] as const) {
      const answer = await call(serverOf(), otherMethod, otherTarget, lineOf(good));
      expect([otherTarget, statusOf(answer)]).toEqual([otherTarget, expect.toBeOneOf([400, 401, 404, 405])]);
    }
    await refused(lineOf(good), lineOf(good));
    await refused(lineOf(good), lineOf(assertion(service)));
  });

  it('takes one for an unsafe request once', async () => {
    if (method === 'GET' || method === 'DELETE') return;
    const once = lineOf(assertion(service));
    expect(statusOf(await call(serverOf(), method, target, once))).toBeOneOf(past);
    const again = await call(serverOf(), method, target, once);
    expect([statusOf(again), again]).toEqual([401, expect.stringContaining('assertion_replayed')]);
  });
});

const websocket = [
  ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const doors = [
  ['HTTP', ['Connection: close']],
  ['WebSocket', websocket],
] as const;
const get = (url: string, path: string, lines: readonly string[]): Promise<string> =>
  rawExchange(url, `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);

describe.each(doors)('%s: the public door', (_, door) => {
  it('leads to no path of any private listener, however it is written', async () => {
    const here = ['/metrics', '/v1/revocations', '/v1/notifications', '/v1/sessions', '/admin', '/debug'];
    // What is private has the same name behind every prefix that is public.
    const paths = here.flatMap((path) => [
      path,
      ...[`/api/v1${path}`, `/api/v1/auth${path}`, `/api/v1/users${path}`, `/api/v1/payments${path}`],
      ...[`/api/v1/notifications${path}`, `/api/v1/auth/..${path}`, `/api/v1/auth/%2e%2e${path}`, `/${path}`],
      ...[
        `${path}/`,
        `${path}%20`,
        `${path};x`,
        path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      ],
    ]);
    for (const path of paths) {
      const answer = await get(system.gateway.url, path, [...door, `Authorization: Bearer ${ann.access}`]);
      expect([path, statusOf(answer)]).toEqual([path, expect.toBeOneOf([400, 404, 405])]);
      expect(answer).not.toMatch(/# TYPE|event-stream|incarnation/);
    }
  });

  it('knows no path of a private listener at the servers themselves either', async () => {
    const servers = [system.issuer, system.gateway, system.users, system.payments, system.notifications];
    for (const { url, privateUrl } of servers) {
      expect((await fetch(`${privateUrl}/metrics`)).status).toBe(200);
      for (const path of ['/metrics', '/v1/revocations', '/v1/notifications']) {
        expect(statusOf(await get(url, path, ['Connection: close']))).toBeOneOf([401, 404]);
      }
    }
  });

  it('is shut to a session that has ended, whose token it has seen and remembers', async () => {
    const bob = await signUp(httpClient(system.gateway.url), undefined, '/api/v1');
    const ask = async () => {
      const lines = [...door, `Authorization: Bearer ${bob.access}`];
      return statusOf(await get(system.gateway.url, '/api/v1/users/profile', lines));
    };
    // A service that speaks no WebSocket answers as it pleases, but not with 401.
    expect(await ask()).not.toBe(401);
    await httpClient(system.gateway.url)('POST', '/api/v1/auth/logout', { body: { refresh_token: bob.refresh } });
    await expect.poll(ask, { timeout: 2000 }).toBe(401);
  });
});

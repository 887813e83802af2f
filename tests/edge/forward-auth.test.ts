/** gateway.md, "Beside other proxies": nginx, HAProxy and Caddy ask the gateway, and decide as the gateway itself does. */
import { createAssertionVerifier } from '@sallyport/verify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { type Answer, type Call, httpClient, type Sent } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { mintCsrf, mintedUser, mintToken, routeFile } from '../testing/route-file.ts';
import { type EdgeProxy, isMissing, proxyKinds, startProxy } from './testing/proxies.ts';

const users = '/api/v1/users';
const me = `${users}/me`;

const routes = {
  version: 1,
  routes: [
    { path: '/api/v1/auth/*', service: 'auth-service', access: 'public', stripPrefix: '/api/v1' },
    { path: `${users}/*`, service: 'user-service', access: 'required', stripPrefix: '/api/v1' },
    { path: `${users}/admin`, service: 'user-service', access: 'required', roles: ['admin'], stripPrefix: '/api/v1' },
    {
      path: `${users}/counted`,
      service: 'user-service',
      access: 'required',
      stripPrefix: '/api/v1',
      limits: { user: { perMinute: 1, burst: 2 } },
    },
  ],
};

let installation: Installation;
let issuer: Issuer;
let upstream: RecordingUpstream;
let gateway: ChildServer;
let direct: Call;

beforeAll(async () => {
  installation = newInstallation();
  upstream = await startRecordingUpstream();
  issuer = await startIssuer(
    { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('auth-service') },
    installation.folder,
  );
  gateway = await startGateway(installation, {
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    USER_SERVICE_URL: upstream.url,
    GATEWAY_ROUTES_FILE: routeFile(installation, routes).path,
    FORWARD_AUTH_PROXIES: '127.0.0.1',
    TRUSTED_PROXIES: '127.0.0.1',
  });
  direct = httpClient(gateway.url);
});
afterAll(async () => {
  await gateway.stop();
  upstream.close();
  await issuer.remove();
});
beforeEach(() => {
  upstream.received.length = 0;
});

const token = (claims: Readonly<Record<string, unknown>> = {}) => mintToken(installation, claims);
const unsafe = (csrf = mintCsrf(installation)): Sent => ({
  bearer: token(),
  headers: { 'x-csrf-token': csrf, cookie: `csrf_token=${csrf}` },
  body: { name: 'Ann' },
});

/** Method, target, and what is sent. */
const table: readonly (readonly [what: string, method: string, target: string, sent: () => Sent])[] = [
  ['a good token', 'GET', `${me}?a=%20b&c=1`, () => ({ bearer: token({ roles: ['user', 'admin'] }) })],
  ['a role that is there', 'GET', `${users}/admin`, () => ({ bearer: token({ roles: ['admin'] }) })],
  ['a character beyond ASCII', 'GET', `${users}/J%C3%BCrgen%20K`, () => ({ bearer: token() })],
  ['an unsafe request', 'POST', `${users}/a`, unsafe],
  ['no token', 'GET', me, () => ({})],
  ['an expired token', 'GET', me, () => ({ bearer: token({ exp: Math.floor(Date.now() / 1000) - 100 }) })],
  ['a forged token', 'GET', me, () => ({ bearer: `${token()}x` })],
  ['a role that is missing', 'GET', `${users}/admin`, () => ({ bearer: token({ roles: ['user'] }) })],
  ['no CSRF token', 'POST', `${users}/a`, () => ({ ...unsafe(), headers: {} })],
  ['a wrong CSRF token', 'DELETE', `${users}/a`, () => unsafe('AAAA')],
  [
    'a page of another site',
    'POST',
    `${users}/a`,
    () => {
      const sent = unsafe();
      return { ...sent, headers: { ...sent.headers, origin: 'https://evil.example' } };
    },
  ],
  ['an unknown path', 'GET', '/nowhere', () => ({ bearer: token() })],
  ['a long path', 'GET', `/nowhere/${'a'.repeat(4000)}`, () => ({ bearer: token() })],
  ['a method that the route knows not', 'PROPFIND', me, () => ({ bearer: token() })],
];

const confused = [
  `${users}/x/%2e%2e/admin`,
  `/%2e%2e${me}`,
  `${users}/x/../admin`,
  `${users}//admin`,
  `${users}/admin/`,
  `${users}/%61dmin`,
  `${users}/admin;x=1`,
  `${users}/x%2f..%2fadmin`,
];

const spoofed = {
  'X-User-Id': 'root',
  x_user_id: 'root',
  'X.User.Id': 'root',
  'X-User-Email': 'root@example.com',
  'X-Roles': 'admin',
  'X-Permissions': 'all',
  'X-Gateway-Assertion': 'a.b.c',
  'X-Gateway-Signature': 'abc',
  'X-Original-URI': '/api/v1/auth/login',
  'X-Original-Method': 'POST',
  'X-Forwarded-Uri': '/api/v1/auth/login',
  'X-Forwarded-Method': 'POST',
};

const seenByService = () => {
  const [keyId = '', key = ''] = installation.assertionKeys('user-service').split(':');
  const verifier = createAssertionVerifier({
    service: 'user-service',
    keys: [{ kid: keyId, key: Buffer.from(key, 'base64url') }],
  });
  const seen = upstream.received.at(-1);
  const verdict = verifier.verify(String(seen?.headers['x-gateway-assertion']), {
    method: seen?.method ?? '',
    target: seen?.target ?? '',
  });
  const names = Object.keys(seen?.headers ?? {}).filter((name) =>
    /^x[^a-z]?(?:user|role|perm|gateway|orig)/.test(name),
  );
  return {
    verdict: verdict.ok,
    request: [seen?.method, seen?.target, seen?.body],
    names: names.sort(),
    identity: names.filter((name) => name !== 'x-gateway-assertion').map((name) => seen?.headers[name]),
    credentials: ['authorization', 'cookie', 'x-csrf-token'].filter((name) => seen?.headers[name] !== undefined),
  };
};

const outcome = ({ status, body, headers }: Answer) => ({
  status,
  code: body['code'],
  problem: { ...body, request_id: undefined, requestId: undefined, instance: undefined },
  challenge: headers['www-authenticate'],
});

describe.each(proxyKinds.map((kind) => ({ kind, name: kind.program, missing: isMissing(kind) })))(
  '$name before the services',
  ({ kind, missing }) => {
    let proxy: EdgeProxy;
    let call: Call;
    beforeAll(async () => {
      if (missing) return;
      proxy = await startProxy(kind, { gateway: gateway.url, userService: upstream.url });
      call = httpClient(proxy.url);
    });
    afterAll(() => proxy?.stop());

    it.skipIf(missing).each(table)('decides like the gateway itself: %s', async (_, method, target, sent) => {
      const request = sent();
      const byGateway = outcome(await direct(method, target, request));
      const reached = upstream.received.length;
      const expected = reached === 0 ? undefined : seenByService();
      upstream.received.length = 0;
      expect(outcome(await call(method, target, request))).toEqual(byGateway);
      expect(upstream.received).toHaveLength(reached);
      if (expected !== undefined) expect(seenByService()).toEqual({ ...expected, verdict: true });
    });

    it.skipIf(missing)('lets no second spelling of a path through', async () => {
      for (const target of confused) {
        const { status } = await call('GET', target, { bearer: token() });
        expect([target, status >= 400 && status < 500]).toEqual([target, true]);
      }
      expect(upstream.received).toEqual([]);
    });

    it.skipIf(missing)('lets nobody say who calls, or which request is asked about', async () => {
      expect((await call('GET', me, { headers: spoofed })).status).toBe(401);
      expect(upstream.received).toEqual([]);
      expect((await call('GET', me, { headers: spoofed, bearer: token() })).status).toBe(200);
      expect(seenByService()).toEqual({
        verdict: true,
        request: ['GET', '/users/me', ''],
        names: ['x-gateway-assertion', 'x-gateway-signature', 'x-user-email', 'x-user-id'],
        identity: [expect.stringMatching(/^[0-9a-f]{64}$/), 'ann@example.com', mintedUser],
        credentials: [],
      });
    });

    it.skipIf(missing)('refuses WebSockets, which nobody would cut', async () => {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      expectProblem(await call('GET', me, { bearer: token(), headers }), 'upgrade_refused');
      expect(upstream.received).toEqual([]);
    });

    it.skipIf(missing)('refuses at once who has logged out', async () => {
      const person = await signUp(direct, undefined, '/api/v1');
      expect((await call('GET', me, { bearer: person.access })).status).toBe(200);
      await direct('POST', '/api/v1/auth/logout-all', { bearer: person.access });
      await expect
        .poll(() => call('GET', me, { bearer: person.access }), { timeout: 2000 })
        .toMatchObject({
          status: 401,
          body: { code: 'token_revoked' },
        });
    });

    it.skipIf(missing)('holds the user’s limit, and says when to come again', async () => {
      const bearer = token({ sub: `${mintedUser.slice(0, -2)}${proxyKinds.indexOf(kind)}0` });
      const counted = () => call('GET', `${users}/counted`, { bearer });
      expect([(await counted()).status, (await counted()).status]).toEqual([200, 200]);
      const refused = await counted();
      expectProblem(refused, 'rate_limited');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    });

    it.skipIf(missing)('lets nobody pass while the gateway is away', async () => {
      const orphan = await startProxy(kind, { gateway: 'http://127.0.0.1:9', userService: upstream.url });
      try {
        const { status } = await httpClient(orphan.url)('GET', me, { bearer: token() });
        expect([502, 503]).toContain(status);
        expect(upstream.received).toEqual([]);
      } finally {
        await orphan.stop();
      }
    });
  },
);

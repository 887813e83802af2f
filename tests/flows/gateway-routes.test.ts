/** A gateway with a route file, as an operator writes one: the policy of each route, by real requests. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { mintCsrf, mintedUser, mintToken, routeFile } from '../testing/route-file.ts';

let installation: Installation;
let upstream: RecordingUpstream;
let gateway: ChildServer;
let call: Call;

const routes = (url: string) => `
version: 1
services:
  - { id: shop, url: "${url}" }
routes:
  - { path: /open/*, service: shop, access: public, stripPrefix: /open }
  - { path: /news/*, service: shop, access: optional }
  - { path: /orders/*, service: shop, access: required, scopes: { all: [orders:read] }, csrf: cookie }
  - { path: /admin/*, service: shop, access: required, roles: [admin, root], permissions: { all: [users:read, users:write] } }
  - path: /pay
    service: shop
    access: required
    methods: [POST]
    csrf: cookie
    limits: { user: { perMinute: 6, burst: 2, group: money }, bodyBytes: 10 }
  - { path: /refund, service: shop, access: required, limits: { user: { perMinute: 6, burst: 2, group: money } } }
  - { path: /slow, service: shop, access: public, timeoutSeconds: 0.3 }
  - { path: /who, hosts: [a.example], service: shop, access: required }
`;

beforeAll(async () => {
  installation = newInstallation();
  upstream = await startRecordingUpstream();
  gateway = await startGateway(installation, {
    GATEWAY_ROUTES_FILE: routeFile(installation, routes(upstream.url)).path,
    ACCESS_COOKIE_NAME: 'access',
    CORS_ORIGINS: 'https://shop.example',
  });
  call = httpClient(gateway.url);
});
afterAll(async () => {
  await gateway.stop();
  upstream.close();
});
beforeEach(() => {
  upstream.received.length = 0;
  upstream.answerWith({ status: 200, body: '{}' });
});

const token = (claims: Readonly<Record<string, unknown>> = {}) => mintToken(installation, claims);
const csrfPair = (): { header: string; cookie: string } => {
  const value = mintCsrf(installation);
  return { header: value, cookie: `csrf_token=${value}` };
};
const claimsOf = (): Readonly<Record<string, unknown>> => {
  const assertion = String(upstream.received.at(-1)?.headers['x-gateway-assertion']);
  return JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
};

describe('a route file', () => {
  it('stands instead of the preset’s routes; health and ready are there without being named', async () => {
    expect((await call('GET', '/open/a?b=1')).status).toBe(200);
    expect(upstream.received.at(-1)?.target).toBe('/a?b=1');
    expectProblem(await call('GET', '/api/v1/users'), 'route_unknown');
    expect([(await call('GET', '/health')).status, (await call('GET', '/ready')).status]).toEqual([200, 200]);
  });

  it('tells at the start what somebody should look at', async () => {
    await gateway.waitForLine(({ warning }) => String(warning).includes('/open/* is served without authentication'));
  });
});

describe('optional access', () => {
  it('tells the service who calls where somebody does, and that nobody does where nobody does', async () => {
    await call('GET', '/news/a', { bearer: token({ roles: 'reader writer' }) });
    expect(claimsOf()).toMatchObject({ sub: mintedUser, roles: ['reader', 'writer'] });
    expect(upstream.received.at(-1)?.headers['x-roles']).toBe('reader,writer');
    await call('GET', '/news/a');
    expect([claimsOf()['anon'], upstream.received.at(-1)?.headers['x-user-id']]).toEqual([true, undefined]);
  });

  it('never takes bad credentials for none', async () => {
    expectProblem(await call('GET', '/news/a', { bearer: `${token()}x` }), 'token_invalid');
    expectProblem(await call('GET', '/news/a', { headers: { cookie: 'access=a.b.c' } }), 'token_invalid');
    expectProblem(
      await call('GET', '/news/a', { headers: { authorization: 'Basic eDp5' } }),
      'authorization_malformed',
    );
    expect(upstream.received).toHaveLength(0);
  });
});

describe('roles, permissions and scopes', () => {
  it('let in whoever has them', async () => {
    const admin = { roles: ['root'], permissions: 'users:read,users:write' };
    expect((await call('GET', '/admin/a', { bearer: token(admin) })).status).toBe(200);
    expect((await call('GET', '/orders/1', { bearer: token({ scope: 'openid orders:read' }) })).status).toBe(200);
  });

  it('refuse everybody else with 403, and tell the scope that is missing', async () => {
    for (const claims of [
      {},
      { roles: ['admin'] },
      { roles: ['admin'], permissions: ['users:read'] },
      { permissions: ['users:read', 'users:write'] },
    ]) {
      expectProblem(await call('GET', '/admin/a', { bearer: token(claims) }), 'permission_denied');
    }
    const answer = await call('GET', '/orders/1', { bearer: token({ scope: 'orders:readonly' }) });
    expectProblem(answer, 'scope_insufficient');
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="sallyport", error="insufficient_scope", scope="orders:read"',
    );
    expect(upstream.received).toHaveLength(0);
  });
});

describe('a cookie that identifies', () => {
  const scope = { scope: 'orders:read' };
  const send = (headers: Record<string, string>) => call('POST', '/orders/1', { headers });

  it('needs a CSRF token for unsafe methods; a bearer alone does not', async () => {
    expectProblem(await send({ cookie: `access=${token(scope)}` }), 'csrf_header_missing');
    const { header, cookie } = csrfPair();
    expect((await send({ cookie: `access=${token(scope)}; ${cookie}`, 'x-csrf-token': header })).status).toBe(200);
    // The access token and the CSRF cookie stop at the gateway.
    expect(upstream.received.at(-1)?.headers.cookie).toBeUndefined();
    expect((await send({ authorization: `Bearer ${token(scope)}` })).status).toBe(200);
    expect((await call('GET', '/orders/1', { headers: { cookie: `access=${token(scope)}` } })).status).toBe(200);
  });

  it('needs it also beside an Authorization header', async () => {
    const both = { cookie: `access=${token(scope)}`, authorization: `Bearer ${token(scope)}` };
    expectProblem(await send(both), 'csrf_header_missing');
    expectProblem(await send({ ...both, authorization: 'Bearer x' }), 'token_invalid');
  });

  it('is believed from the pages that may call, and from no other', async () => {
    const { header, cookie } = csrfPair();
    const from = (headers: Record<string, string>) =>
      send({ cookie: `access=${token(scope)}; ${cookie}`, 'x-csrf-token': header, ...headers });
    expect((await from({ origin: 'https://shop.example', 'sec-fetch-site': 'cross-site' })).status).toBe(200);
    upstream.received.length = 0;
    expectProblem(await from({ origin: 'https://evil.example' }), 'origin_refused');
    expectProblem(await from({ origin: 'null' }), 'origin_refused');
    expectProblem(await from({ 'sec-fetch-site': 'cross-site' }), 'origin_refused');
    expect(upstream.received).toHaveLength(0);
  });
});

describe('limits of a route', () => {
  it('count one user over the routes of a group', async () => {
    const bearer = token({ sub: '0192f0c1-2b3c-7d4e-8f50-000000000001' });
    const csrf = csrfPair();
    const refund = () =>
      call('POST', '/refund', { bearer, headers: { cookie: csrf.cookie, 'x-csrf-token': csrf.header } });
    expect([(await call('POST', '/pay', { bearer })).status, (await refund()).status]).toEqual([200, 200]);
    const refused = await refund();
    expectProblem(refused, 'rate_limited');
    expect(refused.headers).toMatchObject({
      'retry-after': '10',
      'ratelimit-policy': '"user";q=6;w=60',
      ratelimit: '"user";r=0;t=10',
    });
    expectProblem(await call('POST', '/pay', { bearer }), 'rate_limited');
    expect(
      (await call('POST', '/pay', { bearer: token({ sub: '0192f0c1-2b3c-7d4e-8f50-000000000002' }) })).status,
    ).toBe(200);
  });

  it('bound its bodies and its answers, and its methods', async () => {
    const bearer = token({ sub: '0192f0c1-2b3c-7d4e-8f50-000000000003' });
    expectProblem(await call('POST', '/pay', { bearer, body: 'x'.repeat(11) }), 'body_too_large');
    const refused = await call('GET', '/pay', { bearer });
    expectProblem(refused, 'method_not_allowed');
    expect(refused.headers['allow']).toBe('POST');
    upstream.answerWith(undefined);
    const began = performance.now();
    expectProblem(await call('GET', '/slow'), 'upstream_timeout');
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('hold for the hosts that it names', async () => {
    expect((await call('GET', '/who', { bearer: token(), headers: { host: 'A.example:80' } })).status).toBe(200);
    expectProblem(await call('GET', '/who', { bearer: token() }), 'route_unknown');
  });
});

/** contracts/microservices.md, "Gateway", before services that record what reaches them. */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { changeToken, decodeToken, hmacSigner } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { type LoggedIn, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { rawRequest, statusOf } from '../testing/raw-exchange.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';

const api = '/api/v1';
const deadUrl = 'http://127.0.0.1:9';
let installation: Installation;
let issuer: Issuer;
let upstream: RecordingUpstream;
let gateway: ChildServer;
let call: Call;
let ann: LoggedIn;
beforeAll(async () => {
  installation = newInstallation();
  [issuer, upstream] = await Promise.all([startIssuer({}, installation.folder), startRecordingUpstream()]);
  gateway = await startGateway(installation, {
    AUTH_SERVICE_URL: issuer.url,
    USER_SERVICE_URL: upstream.url,
    PAYMENT_SERVICE_URL: upstream.url,
    NOTIFICATION_SERVICE_URL: deadUrl,
    UPSTREAM_TIMEOUT_SECONDS: '1',
  });
  call = httpClient(gateway.url);
  ann = await signUp(call, undefined, api);
});
afterAll(async () => {
  await gateway.stop();
  upstream.close();
  await issuer.remove();
});
beforeEach(() => {
  upstream.received.length = 0;
  upstream.answerWith({ status: 200, body: '{"from":"upstream"}' });
});

describe('routes', () => {
  it('of the services are protected, bare and with what is below; the prefix goes, the query stays', async () => {
    for (const path of ['/users', '/users/a/b?x=1&y=%20z', '/payments', '/payments?limit=1']) {
      const answer = await call('GET', api + path, { bearer: ann.access });
      expect([answer.status, answer.body]).toEqual([200, { from: 'upstream' }]);
      expect(upstream.received.at(-1)?.target).toBe(path);
    }
    for (const path of ['/users', '/users/a', '/payments', '/payments/1', '/notifications', '/notifications/1']) {
      expectProblem(await call('GET', api + path), 'token_missing', 'Authorization header missing');
    }
    expect(upstream.received).toHaveLength(4);
  });

  it('that do not exist are 404 with their path, without the query', async () => {
    for (const path of [
      '/',
      '/api/v1',
      '/api/v1/auth',
      '/api/v1/userss',
      '/api/v2/users',
      '/users',
      '/auth/login',
      '/metrics',
    ]) {
      const answer = await call('GET', `${path}?secret=planted`);
      expectProblem(answer, 'route_unknown', 'Route not found');
      expect(answer.body['path']).toBe(path);
      expect(answer.text).not.toContain('planted');
    }
  });

  it('are not reached by a second spelling: such a path is 400', async () => {
    for (const path of [
      '/api/v1/auth/../users/profile',
      '/api/v1/auth/..%2fusers/profile',
      '/api/v1/auth/%2e%2e/users/profile',
      '/api/v1/auth/..;/users/profile',
      '/api/v1//users/profile',
      '/api/v1/auth\\..\\users',
      '/api/v1/users/%00',
      '/api/v1/users/%252e%252e',
      '/api/v1/users/',
      '/./api/v1/users',
    ]) {
      const response = await rawRequest(gateway.url, `GET ${path}`, [`Authorization: Bearer ${ann.access}`]);
      expect([path, statusOf(response)]).toEqual([path, 400]);
      expect(response).toContain('"code":"path_refused"');
    }
    expect(upstream.received).toEqual([]);
  });

  it('of the gateway itself are health and readiness', async () => {
    const health = await call('GET', '/health');
    expect([health.status, health.body]).toEqual([200, { status: 'healthy', service: 'api-gateway' }]);
    expect((await call('GET', '/ready')).body).toEqual({ status: 'ready' });
  });
});

describe('401', () => {
  it('says what is wrong, with the contract’s details', async () => {
    const get = (headers: Readonly<Record<string, string>>) => call('GET', `${api}/users/profile`, { headers });
    expectProblem(await get({}), 'token_missing', 'Authorization header missing');
    const malformed = 'Invalid authorization header format. Expected: Bearer <token>';
    for (const authorization of ['Basic eA==', 'Bearer', ann.access, 'Bearer a b']) {
      expectProblem(await get({ authorization }), 'authorization_malformed', malformed);
    }
    const sign = hmacSigner(installation.folder.settings['JWT_SECRET'] ?? '');
    const expired = changeToken(ann.access, sign, { exp: Math.floor(Date.now() / 1000) - 31 });
    for (const [token, code] of [
      ['x', 'token_invalid'],
      [`${ann.access}x`, 'token_invalid'],
      [ann.refresh, 'token_invalid'],
      [changeToken(ann.access, sign, {}, { alg: 'none' }), 'token_invalid'],
      [changeToken(ann.access, sign, {}, { typ: 'JWT' }), 'token_invalid'],
      [changeToken(ann.access, sign, { iss: 'other' }), 'token_invalid'],
      [changeToken(ann.access, sign, { aud: 'other' }), 'token_invalid'],
      [expired, 'token_expired'],
    ] as const) {
      const answer = await get({ authorization: `Bearer ${token}` });
      expectProblem(answer, code, 'Invalid or expired token');
      expect(answer.body['details']).toBe('The access token cannot be accepted');
    }
    expect(upstream.received).toEqual([]);
  });
});

describe('what a service gets', () => {
  const send = (headers: Readonly<Record<string, string | string[]>> = {}) =>
    call('GET', `${api}/users/profile?a=1`, { bearer: ann.access, headers });

  it('is who calls, in the contract’s headers, and signed', async () => {
    await send();
    const headers = upstream.received[0]?.headers ?? {};
    const { userId, person } = ann;
    expect([headers['x-user-id'], headers['x-user-email']]).toEqual([userId, person.email]);
    const signature = createHmac('sha256', installation.gatewaySecret)
      .update(`${userId}:${person.email}`)
      .digest('hex');
    expect(headers['x-gateway-signature']).toBe(signature);
    const { header, claims } = decodeToken(String(headers['x-gateway-assertion']));
    expect(header).toEqual({ alg: 'HS256', typ: 'gw-assertion+jwt', kid: 'm1' });
    expect(claims).toMatchObject({
      ver: 1,
      iss: 'gateway',
      aud: 'user-service',
      sub: userId,
      email: person.email,
      name: person.name,
      roles: ['user'],
      sid: decodeToken(ann.access).claims['sid'],
      uep: 1,
      amr: ['pwd'],
      cip: '127.0.0.1',
      mth: 'GET',
      pth: createHash('sha256').update('/users/profile?a=1').digest('base64url'),
    });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(30);
  });

  it('is none of the client’s credentials, and no identity that a client made up', async () => {
    await send({
      cookie: `csrf_token=${ann.csrf}; theme=dark; refresh_token=${ann.refresh}`,
      'x-csrf-token': ann.csrf,
      'x-user-id': 'forged',
      x_user_email: 'forged',
      'X-User.Id': 'forged',
      'x-gateway-signature': 'forged',
      'x-gateway-assertion': 'forged',
      'x-roles': 'admin',
      'x-permissions': '*',
      'x-forwarded-for': '203.0.113.66',
    });
    const [request] = upstream.received;
    const text = JSON.stringify(request?.headers);
    for (const absent of ['forged', ann.access, ann.csrf, ann.refresh, '203.0.113.66', 'admin']) {
      expect(text).not.toContain(absent);
    }
    expect(request?.headers).toMatchObject({ cookie: 'theme=dark', 'x-forwarded-for': '127.0.0.1', 'x-roles': 'user' });
  });

  it('is the bearer on the one route that says so', async () => {
    const headers = { 'x-csrf-token': ann.csrf, cookie: `csrf_token=${ann.csrf}` };
    await call('DELETE', `${api}/users/account`, { bearer: ann.access, headers });
    expect(upstream.received[0]?.headers.authorization).toBe(`Bearer ${ann.access}`);
    await call('GET', `${api}/users/account`, { bearer: ann.access });
    expect(upstream.received[1]?.headers.authorization).toBeUndefined();
  });
});

describe('a service that fails', () => {
  it('and is dead is 502 with a fixed text', async () => {
    const answer = await call('GET', `${api}/notifications`, { bearer: ann.access });
    expectProblem(answer, 'upstream_unavailable', 'Service unavailable');
    expect(answer.body['details']).toBe('The service behind the gateway does not answer');
    expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1|undici/);
  });

  it('and is too slow is 504', async () => {
    upstream.answerWith(undefined);
    const answer = await call('GET', `${api}/users/slow`, { bearer: ann.access });
    expectProblem(answer, 'upstream_timeout', 'Service took too long');
  });

  it('and says so itself is passed on as it is', async () => {
    upstream.answerWith({ status: 418, headers: { 'x-tea': 'pot' }, body: '{"error":"teapot"}' });
    const answer = await call('GET', `${api}/users/x`, { bearer: ann.access });
    expect([answer.status, answer.body, answer.headers['x-tea']]).toEqual([418, { error: 'teapot' }, 'pot']);
  });
});

describe('CORS', () => {
  const origins = ['http://localhost:3000', 'http://localhost:8080'];
  const preflight = (origin: string, path = `${api}/payments`) =>
    call('OPTIONS', path, {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-csrf-token' },
    });

  it.each(origins)('answers the preflight of %s by itself', async (origin) => {
    const { status, headers } = await preflight(origin);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-max-age': '3600',
    });
    expect(String(headers['access-control-allow-headers']).split(', ')).toEqual(
      expect.arrayContaining(['Origin', 'Content-Type', 'Accept', 'Authorization', 'X-CSRF-Token']),
    );
    expect(upstream.received).toEqual([]);
  });

  it.each(origins)('lets %s read every answer, the gateway’s own refusals too', async (origin) => {
    for (const [path, status] of [
      [`${api}/users/profile`, 200],
      [`${api}/auth/verify`, 200],
      [`${api}/notifications`, 502],
      ['/nope', 404],
    ] as const) {
      const answer = await call('GET', path, { bearer: ann.access, headers: { origin } });
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'Content-Length, Content-Type',
      });
    }
  });

  it('gives a foreign origin nothing, whatever a service says', async () => {
    upstream.answerWith({
      status: 200,
      headers: { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' },
      body: '{}',
    });
    const origin = 'https://evil.example';
    for (const answer of [
      await preflight(origin),
      await call('GET', `${api}/users/profile`, { bearer: ann.access, headers: { origin } }),
      await call('GET', `${api}/auth/verify`, { bearer: ann.access, headers: { origin } }),
    ]) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('the flood limit', () => {
  it('is 100 a minute with a burst of 10 for each address; everything counts', async () => {
    const limited = await startGateway(installation, {
      AUTH_SERVICE_URL: issuer.url,
      FLOOD_LIMIT_PER_MINUTE: '100',
    });
    const flood = httpClient(limited.url);
    const paths = ['/health', '/nope', `${api}/users/profile`, `${api}/auth/verify`, '/'];
    const answers = [];
    for (let count = 0; count < 25; count += 1) answers.push(await flood('GET', paths[count % paths.length] ?? '/'));
    const refused = answers.filter(({ status }) => status === 429);
    // One more than the burst may slip in for each 600 ms that the loop took.
    expect(answers.slice(0, 10).every(({ status }) => status !== 429)).toBe(true);
    expect(refused.length).toBeGreaterThan(10);
    for (const answer of refused) {
      expectProblem(answer, 'rate_limited', 'Rate limit exceeded');
      expect(answer.body['hint']).toBe('Too many requests. Please try again later.');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(answer.headers['ratelimit-policy']).toBe('"flood";q=100;w=60');
    }
    await limited.stop();
  });
});

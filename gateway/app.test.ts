import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SettingsError } from '@sallyport/kit/config';
import { describe, expect, it } from 'vitest';
import { start } from './server.ts';
import {
  baseEnv,
  bearer,
  bodyOf,
  csrfTokens,
  gatewaySecret,
  problemOf,
  seenBy,
  send,
  sendRaw,
  sid,
  startGateway,
  startService,
  statusesOf,
  unsafe,
  userId,
  valuesOf,
  verifierOf,
} from './testing/rig.ts';

describe('the way to a service', () => {
  it('carries a signed identity instead of the token', async () => {
    const gateway = await startGateway();
    const answer = await send(gateway, '/api/v1/users/profile?x=1', { headers: bearer() });
    const seen = seenBy(answer);
    expect([answer.status, seen.method, seen.target]).toEqual([200, 'GET', '/users/profile?x=1']);
    expect(valuesOf(seen, 'x-user-id')).toEqual([userId]);
    expect(valuesOf(seen, 'x-user-email')).toEqual(['ann@example.com']);
    const expected = createHmac('sha256', gatewaySecret).update(`${userId}:ann@example.com`).digest('hex');
    expect(valuesOf(seen, 'x-gateway-signature')).toEqual([expected]);
    const [assertion] = valuesOf(seen, 'x-gateway-assertion');
    const verified = verifierOf('user-service').verify(assertion, { method: 'GET', target: '/users/profile?x=1' });
    expect(verified).toMatchObject({
      ok: true,
      identity: { userId, name: 'Ann', sessionId: sid, clientAddress: '127.0.0.1' },
    });
    // Minted for one service: no other believes it.
    expect(verifierOf('payment-service').verify(assertion, { method: 'GET', target: '/users/profile?x=1' }).ok).toBe(
      false,
    );
  });

  it('is anonymous on public routes, also with a token', async () => {
    const gateway = await startGateway();
    const seen = seenBy(await send(gateway, '/api/v1/auth/verify', { headers: bearer() }));
    const [assertion] = valuesOf(seen, 'x-gateway-assertion');
    const verified = verifierOf('auth-service').verify(assertion, { method: 'GET', target: '/auth/verify' });
    expect(verified).toMatchObject({ ok: true, identity: { kind: 'anonymous', clientAddress: '127.0.0.1' } });
    expect(valuesOf(seen, 'x-user-id')).toEqual([]);
  });

  it('carries who forwards, for whom, and one id for log, service and answer', async () => {
    const gateway = await startGateway();
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = {
      ...bearer(),
      'x-forwarded-for': '1.2.3.4',
      forwarded: 'for=1.2.3.4',
      x_forwarded_for: '1.2.3.4',
      'x-forwarded-host': 'evil.example',
      'x-real-ip': '1.2.3.4',
      'x-request-id': 'mine',
      traceparent: trace,
      host: 'gate.example',
    };
    const answer = await send(gateway, '/api/v1/payments', { headers });
    const seen = seenBy(answer);
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(valuesOf(seen, 'x-forwarded-host')).toEqual(['gate.example']);
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['http']);
    expect(valuesOf(seen, 'via')).toEqual(['1.1 gateway']);
    expect(JSON.stringify(seen)).not.toMatch(/1\.2\.3\.4|evil|"mine"/);
    expect(valuesOf(seen, 'x-request-id')).toEqual([answer.headers['x-request-id']]);
    // Not its wish to be recorded, which costs services.
    expect(valuesOf(seen, 'traceparent')[0]).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    expect(valuesOf(seen, 'traceparent')).not.toEqual([trace]);
  });

  it('believes a forwarded address from a trusted proxy alone', async () => {
    const headers = { ...bearer(), 'x-forwarded-for': '9.9.9.9, 1.2.3.4', 'x-forwarded-proto': 'https' };
    const gateway = await startGateway({ TRUSTED_PROXIES: '127.0.0.0/8' });
    const seen = seenBy(await send(gateway, '/api/v1/payments', { headers }));
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['1.2.3.4']);
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual(['https']);
  });
});

/** Header lines of an unsafe request that passes. */
const credentials = (): string =>
  Object.entries(unsafe())
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');

describe('a body', () => {
  it('goes on with its length, or in chunks where it had none', async () => {
    const gateway = await startGateway();
    const sized = seenBy(
      await send(gateway, '/api/v1/payments', { method: 'POST', headers: unsafe(), body: '{"a":1}' }),
    );
    expect([sized.body, valuesOf(sized, 'content-length'), valuesOf(sized, 'transfer-encoding')]).toEqual([
      '{"a":1}',
      ['7'],
      [],
    ]);
    const head = Object.entries(unsafe()).map(([name, value]) => `${name}: ${value}\r\n`);
    const chunked = await sendRaw(
      gateway,
      `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n${head.join('')}\r\n` +
        '3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n',
    );
    expect(chunked).toContain('{\\"a\\":1}');
  });

  it('that is not there adds no framing to a GET and a length of 0 to a POST', async () => {
    const gateway = await startGateway();
    const got = seenBy(await send(gateway, '/api/v1/payments', { headers: bearer() }));
    expect([valuesOf(got, 'content-length'), valuesOf(got, 'transfer-encoding')]).toEqual([[], []]);
    const posted = seenBy(await send(gateway, '/api/v1/payments', { method: 'POST', headers: unsafe() }));
    expect([valuesOf(posted, 'content-length'), valuesOf(posted, 'transfer-encoding')]).toEqual([['0'], []]);
  });

  it('over the limit is 413, whether it says so or only turns out so, and the connection goes on', async () => {
    const gateway = await startGateway({ GATEWAY_BODY_LIMIT_BYTES: '1000' });
    const body = 'x'.repeat(2000);
    const told = await send(gateway, '/api/v1/payments', { method: 'POST', headers: unsafe(), body });
    expect([told.status, problemOf(told)]).toMatchObject([
      413,
      { code: 'body_too_large', params: { limitBytes: 1000 } },
    ]);
    const found = await sendRaw(
      gateway,
      `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\n${credentials()}transfer-encoding: chunked\r\n\r\n7d0\r\n${body}\r\n0\r\n\r\n` +
        'GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    );
    expect(statusesOf(found)).toEqual([413, 200]);
  });

  it('that nobody wants to end is cut', async () => {
    const gateway = await startGateway({ GATEWAY_BODY_LIMIT_BYTES: '1000' });
    const part = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const head = `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\n${credentials()}transfer-encoding: chunked\r\n\r\n`;
    const answer = await sendRaw(gateway, head + part.repeat(40));
    expect(statusesOf(answer)).toEqual([413]);
  });

  it('is asked for with 100 Continue only when a service wants it', async () => {
    const gateway = await startGateway();
    const ask = (path: string, more: string) =>
      sendRaw(
        gateway,
        `POST ${path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n${more}`,
      );
    expect(statusesOf(await ask('/api/v1/auth/login', '{}'))).toEqual([100, 200]);
    expect(statusesOf(await ask('/api/v1/payments', ''))).toEqual([401]);
  });

  it('streams both ways without being held', async () => {
    const size = 8 * 1024 * 1024;
    const gateway = await startGateway({ GATEWAY_BODY_LIMIT_BYTES: String(size) }, (req, res) => void req.pipe(res));
    const body = 'x'.repeat(size);
    const answer = await send(gateway, '/api/v1/payments', { method: 'POST', headers: unsafe(), body });
    expect([answer.status, answer.body.length]).toEqual([200, size]);
  });
});

describe('an answer', () => {
  it.each([204, 304])('of status %i has no body and no framing', async (status) => {
    const gateway = await startGateway({}, (_, res) => void res.writeHead(status, { etag: '"1"' }).end());
    const answer = await send(gateway, '/api/v1/payments', { headers: bearer() });
    expect([answer.status, answer.body, answer.headers['etag']]).toEqual([status, '', '"1"']);
    expect(answer.headers['transfer-encoding']).toBeUndefined();
  });

  it('to HEAD keeps its length and has no body', async () => {
    const gateway = await startGateway({}, (_, res) => void res.setHeader('content-length', '7').end('payload'));
    const answer = await send(gateway, '/api/v1/payments', { method: 'HEAD', headers: bearer() });
    expect([answer.status, answer.headers['content-length'], answer.body]).toEqual([200, '7', '']);
    expect((await send(gateway, '/api/v1/payments', { headers: bearer() })).body).toBe('payload');
  });

  it('keeps every Set-Cookie, and waits behind an early hint', async () => {
    const gateway = await startGateway({}, (_, res) => {
      res.writeEarlyHints({ link: '</a>; rel=preload' });
      res.setHeader('set-cookie', ['a=1', 'b=2']).end('ok');
    });
    const answer = await send(gateway, '/api/v1/auth/verify');
    expect([answer.status, answer.headers['set-cookie'], answer.body]).toEqual([200, ['a=1', 'b=2'], 'ok']);
  });

  it('of a dead service is 502, of a slow one 504, in the contract’s words', async () => {
    const gateway = await startGateway(
      { USER_SERVICE_URL: 'http://127.0.0.1:1', UPSTREAM_TIMEOUT_SECONDS: '1' },
      () => undefined,
    );
    const dead = await send(gateway, '/api/v1/users/profile', { headers: bearer() });
    expect([dead.status, problemOf(dead)]).toMatchObject([
      502,
      { error: 'Service unavailable', details: expect.any(String), code: 'upstream_unavailable' },
    ]);
    expect(dead.body).not.toMatch(/ECONN|127\.0\.0\.1/);
    const slow = await send(gateway, '/api/v1/payments', { headers: bearer() });
    expect([slow.status, problemOf(slow)['code']]).toEqual([504, 'upstream_timeout']);
  });

  it('that its client no longer waits for is not made to the end', async () => {
    let closed = 0;
    const gateway = await startGateway(
      {},
      (_, res) => void res.on('close', () => (closed += res.writableFinished ? 0 : 1)),
    );
    const head = `GET /api/v1/payments HTTP/1.1\r\nhost: a\r\nauthorization: ${bearer().authorization}\r\n\r\n`;
    await sendRaw(gateway, head, 200);
    await expect.poll(() => closed).toBe(1);
  });

  it('drops the CORS headers of a service and keeps its Vary', async () => {
    const gateway = await startGateway({}, (_, res) => {
      res.setHeader('access-control-allow-origin', '*').setHeader('vary', 'Accept').end('ok');
    });
    const answer = await send(gateway, '/api/v1/auth/verify', { headers: { origin: 'https://evil.example' } });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['vary']).toBe('Accept, Origin');
  });
});

describe('the gateway by itself', () => {
  it('answers health, ready and nothing else', async () => {
    const gateway = await startGateway();
    const health = await send(gateway, '/health');
    expect([health.status, health.body]).toEqual([200, '{"status":"healthy","service":"api-gateway"}']);
    expect((await send(gateway, '/ready')).status).toBe(200);
    const posted = await send(gateway, '/health', { method: 'POST' });
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });

  it('tells the contract’s texts, in the contract’s order', async () => {
    const gateway = await startGateway();
    const ask = async (headers: Record<string, string>) =>
      problemOf(await send(gateway, '/api/v1/payments', { method: 'POST', headers }));
    const token = csrfTokens.issue(sid);
    const { authorization } = bearer();
    expect(await ask({})).toMatchObject({ error: 'Authorization header missing' });
    expect(await ask({ authorization: 'Basic eDp5' })).toMatchObject({
      error: 'Invalid authorization header format. Expected: Bearer <token>',
    });
    expect(await ask({ authorization: 'Bearer a.b.c' })).toMatchObject({
      error: 'Invalid or expired token',
      details: 'The access token cannot be accepted',
    });
    expect(await ask({ authorization })).toMatchObject({
      error: 'CSRF token missing in header',
      hint: 'Include X-CSRF-Token header with your request',
    });
    expect(await ask({ authorization, 'x-csrf-token': token })).toMatchObject({
      error: 'CSRF token missing in cookie',
      hint: 'Login first to obtain CSRF token',
    });
    expect(await ask({ authorization, 'x-csrf-token': token, cookie: 'csrf_token=other' })).toMatchObject({
      error: 'CSRF token mismatch',
      hint: 'Token in header must match token in cookie',
    });
    expect(gateway.services.seen()).toBe(0);
  });

  it('limits floods, counts everything, and says when to come back', async () => {
    const gateway = await startGateway({ FLOOD_LIMIT_PER_MINUTE: '1' });
    const asked = ['/health', '/nowhere', '/api/v1/users', '/ready', '/api/v1/auth/login'];
    const answers = [];
    for (const path of [...asked, ...asked]) answers.push((await send(gateway, path)).status);
    expect(answers).not.toContain(429);
    const origin = 'http://localhost:3000';
    const refused = await send(gateway, '/health', { headers: { origin } });
    expect([refused.status, problemOf(refused)]).toMatchObject([
      429,
      { error: 'Rate limit exceeded', hint: 'Too many requests. Please try again later.', code: 'rate_limited' },
    ]);
    expect(refused.headers).toMatchObject({
      'retry-after': expect.stringMatching(/^[1-6]?\d$/),
      ratelimit: expect.stringMatching(/^"flood";r=0;t=[1-6]?\d$/),
      'ratelimit-policy': '"flood";q=1;w=60',
      'access-control-allow-origin': origin,
    });
    const preflight = { origin, 'access-control-request-method': 'GET' };
    expect((await send(gateway, '/api/v1/users', { method: 'OPTIONS', headers: preflight })).status).toBe(429);
  });

  it('answers preflights for its origins, and none for others', async () => {
    const gateway = await startGateway();
    const ask = (origin: string) =>
      send(gateway, '/api/v1/payments', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-csrf-token' },
      });
    const ours = await ask('http://localhost:3000');
    expect([ours.status, ours.body]).toEqual([204, '']);
    expect(ours.headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-max-age': '3600',
      vary: 'Origin',
    });
    for (const name of ['Origin', 'Content-Type', 'Accept', 'Authorization', 'X-CSRF-Token', 'Idempotency-Key']) {
      expect(ours.headers['access-control-allow-headers']).toContain(name);
    }
    const foreign = await ask('https://evil.example');
    expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([204, undefined]);
    expect(gateway.services.seen()).toBe(0);
  });

  it('says which settings are missing, all at once', async () => {
    const { SALLYPORT_PRESET } = baseEnv;
    const begun = start({ env: { SALLYPORT_PRESET, GATEWAY_PORT: '0' }, envFile: '/nonexistent' });
    await expect(begun).rejects.toThrow(SettingsError);
    await expect(begun).rejects.toThrow(
      ['JWT_SECRET', 'GATEWAY_SECRET', 'GATEWAY_MASTER_KEYS', 'CSRF_KEYS']
        .map((name) => `${name} is required`)
        .join('\n'),
    );
  });

  it('is ready once the issuer has told its keys', async () => {
    let keys: object[] = [];
    const issuer = await startService((_, res) => {
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    });
    const env = { JWT_ALGORITHM: 'ES256', JWT_SECRET: undefined, AUTH_SERVICE_URL: issuer.url };
    const gateway = await startGateway(env);
    expect((await send(gateway, '/ready')).status).toBe(503);
    const waiting = await send(gateway, '/api/v1/users/profile', { headers: bearer() });
    expect([waiting.status, gateway.services.seen()]).toEqual([401, 0]);
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey);
    keys = [{ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, alg: 'ES256', use: 'sig', kid: 'k1' }];
    await expect.poll(async () => (await send(gateway, '/ready')).status, { timeout: 5000 }).toBe(200);
  });

  it('lets the request under way finish when it stops', async () => {
    const gateway = await startGateway({}, async (req, res) => {
      await bodyOf(req);
      await sleep(200);
      res.end('done');
    });
    const answer = send(gateway, '/api/v1/payments', { headers: bearer() });
    await expect.poll(() => gateway.services.seen()).toBe(1);
    await gateway.stop();
    expect((await answer).body).toBe('done');
    await expect(send(gateway, '/health')).rejects.toThrow();
  });
});

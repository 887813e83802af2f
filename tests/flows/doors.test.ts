import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
let privateCall: Call;
beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
  privateCall = httpClient(issuer.privateUrl);
});
afterAll(() => issuer.remove());

describe('health and readiness', () => {
  it('say that the process lives and that it can serve', async () => {
    const health = await call('GET', '/health');
    expect([health.status, health.body]).toEqual([200, { status: 'healthy', service: 'auth-service' }]);
    const ready = await call('GET', '/ready');
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready' }]);
  });

  it('have their details, with the metrics, on the private listener alone', async () => {
    const ready = await privateCall('GET', '/ready');
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready', store: true }]);
    const metrics = await privateCall('GET', '/metrics');
    expect(metrics.status).toBe(200);
    expect(metrics.text).toMatch(/^# HELP /m);
    expectProblem(await call('GET', '/metrics'), 'route_unknown', 'Route not found');
  });
});

describe('what is not there', () => {
  it('is 404 with its path and without its query', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/nope?secret=planted'],
      ['GET', '/auth/login'],
      ['DELETE', '/auth/register'],
      ['PUT', '/auth/me'],
      ['GET', '/api/v1/auth/me'],
      ['GET', '/auth/../auth/me'],
      ['GET', '/AUTH/ME'],
    ] as const) {
      const answer = await call(method, path);
      expectProblem(answer, 'route_unknown', 'Route not found');
      expect(answer.body['path']).toBe(path.split('?')[0]);
      expect(answer.text).not.toContain('planted');
    }
  });

  it('is told in JSON with the id of the request that the log line carries', async () => {
    const answer = await call('GET', '/nowhere-in-particular');
    const line = await issuer.waitForLine(({ path }) => path === '/nowhere-in-particular');
    expect(answer.body['instance']).toBe(line['requestId']);
  });
});

it('has no admin API unless it is told a port for it', () => {
  expect(issuer.adminUrl).toBe('');
  expect(issuer.logLines().find(({ msg }) => msg === 'ready')?.['urls']).not.toHaveProperty('admin');
});

describe('documentation', () => {
  it('is served as OpenAPI 3.1 and as a page', async () => {
    const document = await call('GET', '/openapi.json');
    expect([document.status, document.body['openapi']]).toEqual([200, '3.1.0']);
    const page = await call('GET', '/docs');
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.text).toContain('POST /auth/login');
  });
});

describe('CORS', () => {
  it('answers an OPTIONS that is no preflight like any route that is not there', async () => {
    expectProblem(await call('OPTIONS', '/auth/login'), 'route_unknown', 'Route not found');
  });

  const preflight = (origin: string) =>
    call('OPTIONS', '/auth/login', {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });

  it('logs a preflight as any other request: from where, and how long it took', async () => {
    const askedMs = performance.now();
    await preflight('http://localhost:3000');
    const line = await issuer.waitForLine(({ method, status }) => method === 'OPTIONS' && status === 204);
    expect(line).toMatchObject({ address: '127.0.0.1', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    // And not since the process was started, which was before.
    expect(line['durationMs']).toBeLessThan(performance.now() - askedMs);
  });

  it.each(['http://localhost:3000', 'http://localhost:8080'])('answers the preflight of %s', async (origin) => {
    const { status, headers } = await preflight(origin);
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '3600',
    });
    const list = (name: string) => String(headers[name]).split(/, ?/);
    expect(list('access-control-allow-methods')).toEqual(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
    expect(list('access-control-allow-headers')).toEqual(
      expect.arrayContaining(['Origin', 'Content-Type', 'Accept', 'Authorization', 'X-CSRF-Token']),
    );
    expect(headers['vary']).toMatch(/Origin/);
  });

  it('lets a page of an allowed origin read the answer, also an error', async () => {
    for (const path of ['/health', '/nope']) {
      const { headers } = await call('GET', path, { headers: { origin: 'http://localhost:3000' } });
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'http://localhost:3000',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': expect.stringMatching(/Content-Length, ?Content-Type/),
      });
    }
  });

  it.each(['https://evil.example', 'http://localhost:3000.evil.example', 'null', 'HTTP://LOCALHOST:3000'])(
    'gives %s nothing',
    async (origin) => {
      for (const answer of [await preflight(origin), await call('GET', '/health', { headers: { origin } })]) {
        const granted = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-allow'));
        expect(granted).toEqual([]);
      }
    },
  );
});

it('listens on the loopbacks alone', async () => {
  const probe = createServer();
  // Where the issuer listened on every address, this port would be taken.
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(Number(new URL(issuer.url).port), '127.0.0.2', () => resolve());
  });
  await new Promise((resolve) => probe.close(resolve));
  expect(probe.listening).toBe(false);
});

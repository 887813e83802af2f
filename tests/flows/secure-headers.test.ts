import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  // As behind a balancer that ends TLS.
  issuer = await startIssuer({ PUBLIC_URL: 'https://login.example.org', CORS_ORIGINS: 'https://app.example.org' });
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const expectHeaders = ({ headers }: Answer): void => {
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBe('no-referrer');
  expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  const policy = String(headers['content-security-policy']).split('; ');
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]),
  );
};

it('stand on every answer of the issuer, whatever it is', async () => {
  const { answer, access } = await signUp(call);
  const preflight = { origin: 'https://app.example.org', 'access-control-request-method': 'POST' };
  const answers = [
    answer,
    await call('GET', '/auth/me', { bearer: access }),
    await call('GET', '/auth/me'),
    await call('GET', '/health'),
    await call('GET', '/.well-known/jwks.json'),
    await call('GET', '/docs'),
    await call('GET', '/openapi.json'),
    await call('GET', '/nowhere'),
    await call('GET', '/auth/%zz'),
    await call('POST', '/auth/login', { body: 'no json', headers: { 'content-type': 'application/json' } }),
    await call('POST', '/auth/login', { body: 'x', headers: { 'content-type': 'text/plain' } }),
    await call('POST', '/auth/login', { body: { email: 'x'.repeat(20_000) } }),
    await call('OPTIONS', '/auth/login', { headers: preflight }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([
    ...[200, 200, 401, 200, 200, 200, 200],
    ...[404, 400, 400, 415, 413, 204],
  ]);
  for (const each of answers) expectHeaders(each);
});

it('allow pages of the listed origins to read, and no others', async () => {
  const from = async (origin: string) =>
    (await call('GET', '/health', { headers: { origin } })).headers['access-control-allow-origin'];
  expect([await from('https://app.example.org'), await from('https://app.example.org.evil.example')]).toEqual([
    'https://app.example.org',
    undefined,
  ]);
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { rawExchange } from '../testing/raw-exchange.ts';

const base = '/api/v1/auth';
const ada = { email: 'ada@example.org', password: 'StrongPass123!' };
const host = 'auth.example.org';
let issuer: Issuer;
let call: Call;

beforeAll(async () => {
  issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa' });
  call = httpClient(issuer.url);
  const body = { ...ada, first_name: 'Ada', last_name: 'Lovelace' };
  expect((await call('POST', `${base}/register`, { body })).status).toBe(201);
});
afterAll(() => issuer.remove());

const login = (headers: Record<string, string>) => call('POST', `${base}/login`, { body: ada, headers });

describe("the issuer's own host as Origin", () => {
  it('is believed over https, and on this machine', async () => {
    const local = new URL(issuer.url).host;
    for (const headers of [{ host, origin: `https://${host}` }, { origin: `http://${local}` }])
      expect((await login(headers)).status).toBe(200);
  });

  it('is not over plain http, where anybody on the way can write the page', async () => {
    const answer = await login({ host, origin: `http://${host}` });
    expect([answer.status, answer.body['code']]).toEqual([403, 'origin_refused']);
    expect(setCookies(answer)).toEqual([]);
  });

  it.each([
    ['null and no Host', 'HTTP/1.0', ['Origin: null']],
    ['file:// and an empty Host', 'HTTP/1.1', ['Host:', 'Origin: file://', 'Connection: close']],
  ])('is not %s', async (_name, version, lines) => {
    const body = JSON.stringify(ada);
    const headers = [...lines, 'Content-Type: application/json', `Content-Length: ${body.length}`];
    const answer = await rawExchange(issuer.url, [`POST ${base}/login ${version}`, ...headers, '', body].join('\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).not.toMatch(/^set-cookie:/im);
  });
});

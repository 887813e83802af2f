import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';
import { rawExchange, rawRequest, statusOf } from '../testing/raw-exchange.ts';

let issuer: Issuer;
let token: string;
let csrf: string;
beforeAll(async () => {
  issuer = await startIssuer();
  ({ access: token, csrf } = await signUp(httpClient(issuer.url)));
});
afterAll(() => issuer.remove());

const verify = (...lines: string[]) => rawRequest(issuer.url, 'GET /auth/verify', lines);

describe('the Authorization header', () => {
  it('names its scheme in any case (RFC 9110 §11.1), with any number of spaces', async () => {
    for (const line of [
      `Authorization: Bearer ${token}`,
      `authorization: bearer ${token}`,
      `AUTHORIZATION: BEARER ${token}`,
      `Authorization: Bearer   ${token}`,
      `Authorization:Bearer ${token}  `,
    ]) {
      expect([line, statusOf(await verify(line))]).toEqual([line, 200]);
    }
  });

  it('is refused where it stands twice, also with one and the same token', async () => {
    const good = `Authorization: Bearer ${token}`;
    for (const lines of [
      [good, good],
      [good, 'Authorization: Bearer x'],
      ['Authorization: Bearer x', good],
      [good, 'authorization: Basic eA=='],
      ['Authorization:', good],
    ]) {
      const response = await verify(...lines);
      expect(statusOf(response)).toBe(400);
      expect(response).toContain('"code":"header_invalid"');
      expect(response).not.toContain(token);
    }
  });

  it('is refused in any other form', async () => {
    for (const [value, code] of [
      ['', 'token_missing'],
      ['Bearer', 'authorization_malformed'],
      [`Basic ${token}`, 'authorization_malformed'],
      [`Bearer\t${token}`, 'authorization_malformed'],
      [`Bearer ${token}, Bearer ${token}`, 'authorization_malformed'],
      [`Bearer ${token},${token}`, 'authorization_malformed'],
      [`Bearer "${token}"`, 'authorization_malformed'],
      [`Bearer ${token} ${token}`, 'authorization_malformed'],
      [`Bearer ${token};`, 'authorization_malformed'],
      [`Bearer: ${token}`, 'authorization_malformed'],
      // The scheme of tokens that are bound to a key (RFC 9449), and this one is bound to none.
      [`DPoP ${token}`, 'proof_invalid'],
      [`DPoP ${token} ${token}`, 'authorization_malformed'],
      [`DPoP: ${token}`, 'authorization_malformed'],
      [`Bearer ${token}\u00a0`, 'authorization_malformed'],
    ] as const) {
      const response = await verify(`Authorization: ${value}`);
      expect([value, statusOf(response)]).toEqual([value, 401]);
      expect(response).toContain(`"code":"${code}"`);
      expect(response).toMatch(/^www-authenticate: (Bearer|DPoP) realm="sallyport"/im);
    }
  });

  it('is the only way in: no token in query, cookie or body opens a route', async () => {
    expect(statusOf(await rawRequest(issuer.url, `GET /auth/verify?access_token=${token}`, []))).toBe(401);
    expect(statusOf(await verify(`Cookie: access_token=${token}; Authorization=Bearer ${token}`))).toBe(401);
    expect(statusOf(await verify(`X-Access-Token: ${token}`, `Proxy-Authorization: Bearer ${token}`))).toBe(401);
  });
});

describe('other headers', () => {
  it('that decide something are refused where they stand twice', async () => {
    const bearer = `Authorization: Bearer ${token}`;
    const doubled = await verify(
      bearer,
      `X-CSRF-Token: ${csrf}`,
      `X-CSRF-Token: ${csrf}`,
      `Cookie: csrf_token=${csrf}`,
    );
    expect(statusOf(doubled)).toBe(400);
    const cookies = await verify(
      bearer,
      `X-CSRF-Token: ${csrf}`,
      `Cookie: csrf_token=${csrf}`,
      `Cookie: csrf_token=${csrf}`,
    );
    expect(statusOf(cookies)).toBe(400);
    expect(cookies).toContain('"code":"cookie_ambiguous"');
    const keys = await rawExchange(
      issuer.url,
      [
        'POST /auth/refresh HTTP/1.1',
        'Host: localhost',
        'Connection: close',
        'Content-Type: application/json',
        'Idempotency-Key: an-attempt-id-of-22-or-more',
        'Idempotency-Key: an-attempt-id-of-22-or-more',
        'Content-Length: 21',
        '',
        '{"refresh_token":"x"}',
      ].join('\r\n'),
    );
    expect(statusOf(keys)).toBe(400);
  });
});

describe('what is no valid HTTP', () => {
  it('is answered with a problem and an end of the connection, and no second request is read from it', async () => {
    for (const bytes of [
      'NONSENSE\r\n\r\n',
      'GET /auth/verify HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n',
      'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
      'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
      'POST /auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\nzz\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const response = await rawExchange(issuer.url, bytes);
      expect([bytes.slice(0, 60), statusOf(response)]).toEqual([bytes.slice(0, 60), expect.toBeOneOf([400, 413, 431])]);
      expect(response).toMatch(/content-type: application\/problem\+json/i);
      expect(response).not.toContain('healthy');
    }
    expect((await httpClient(issuer.url)('GET', '/health')).status).toBe(200);
  });
});

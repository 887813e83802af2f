import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { expectProblem } from '../testing/problems.ts';

const base = '/api/v1/auth';
const page = 'http://localhost:3000';
const password = 'StrongPass123!';
let issuer: Issuer;
let call: Call;
let people = 0;

beforeAll(async () => {
  issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa', REFRESH_OVERLAP_SECONDS: '1' });
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const person = () => {
  people += 1;
  return { email: `spa${people}@example.org`, password, first_name: 'Ada', last_name: 'Lovelace' };
};
const refreshCookie = (answer: Answer) => setCookies(answer).find(({ name }) => name === 'refresh_token');
const cookieOf = (answer: Answer): string => `refresh_token=${refreshCookie(answer)?.value}`;
const register = async (who = person()) => {
  const answer = await call('POST', `${base}/register`, { body: who });
  expect(answer.status).toBe(201);
  return { who, answer };
};
const login = ({ email }: { email: string }, headers = {}) =>
  call('POST', `${base}/login`, { body: { email, password }, headers });
const refresh = (cookie: string, headers = {}) =>
  call('POST', `${base}/refresh-token`, { headers: { cookie, ...headers } });
const logout = (headers = {}) => call('POST', `${base}/logout`, { headers });

const attributes = ['HttpOnly', 'Max-Age=604800', `Path=${base}`, 'SameSite=Strict', 'Secure'];
const cleared = { name: 'refresh_token', value: '', attributes: attributes.with(1, 'Max-Age=0') };

describe('cookie-spa', () => {
  it('registers and logs in at once: access token in the body, refresh token in the cookie only', async () => {
    const { who, answer } = await register();
    for (const one of [answer, await login(who)]) {
      expect(one.body).toMatchObject({
        token_type: 'Bearer',
        expires_in: 900,
        user: { email: who.email, first_name: 'Ada', last_name: 'Lovelace', role: 'user' },
      });
      expect(one.body).not.toHaveProperty('refresh_token');
      expect(refreshCookie(one)?.attributes).toEqual(attributes);
      expect(one.text).not.toContain(refreshCookie(one)?.value);
    }
  });

  it('shows the user to the bearer of the access token, which stands in no cookie', async () => {
    const { who, answer } = await register();
    const token = String(answer.body['access_token']);
    const me = await call('GET', `${base}/me`, { bearer: token });
    expect(me.body).toMatchObject({ user: { email: who.email, role: 'user' } });
    expect(setCookies(answer).map(({ value }) => value)).not.toContain(token);
    expectProblem(await call('GET', `${base}/me`, { headers: { cookie: `access_token=${token}` } }), 'token_missing');
  });

  it('rotates the cookie at every use; an old one after the overlap ends the family and is cleared', async () => {
    const { answer } = await register();
    const second = await refresh(cookieOf(answer));
    expect(second.status).toBe(200);
    expect(cookieOf(second)).not.toBe(cookieOf(answer));
    expect(cookieOf(await refresh(cookieOf(answer)))).toBe(cookieOf(second));
    await sleep(1100);
    const reused = await refresh(cookieOf(answer));
    expectProblem(reused, 'refresh_reused');
    expect(refreshCookie(reused)).toEqual(cleared);
    expectProblem(await refresh(cookieOf(second)), 'refresh_reused');
  });

  it('is 401 without a cookie, and clears what is none', async () => {
    for (const cookie of ['', 'refresh_token=', 'refresh_token=forged', 'other=1']) {
      const answer = await refresh(cookie);
      expectProblem(answer, 'refresh_invalid');
      expect(refreshCookie(answer)).toEqual(cleared);
    }
  });

  it('logs out at once, also without a cookie or with a dead one', async () => {
    const { answer } = await register();
    for (const cookie of [cookieOf(answer), cookieOf(answer), 'refresh_token=forged', '']) {
      const left = await logout({ cookie });
      expect(left.status).toBe(200);
      expect(refreshCookie(left)).toEqual(cleared);
    }
    expectProblem(await refresh(cookieOf(answer)), 'session_revoked');
    expectProblem(await call('GET', `${base}/me`, { bearer: String(answer.body['access_token']) }), 'token_revoked');
  });

  it('ends the older session when a login comes with its live cookie', async () => {
    const { who, answer } = await register();
    const again = await login(who, { cookie: cookieOf(answer) });
    expect(again.status).toBe(200);
    expectProblem(await refresh(cookieOf(answer)), 'session_revoked');
    expect((await refresh(cookieOf(again))).status).toBe(200);
  });

  it('refuses two cookies of the name instead of believing one of them', async () => {
    const { answer } = await register();
    expectProblem(await refresh(`${cookieOf(answer)}; refresh_token=other`), 'cookie_ambiguous');
  });

  it('takes no refresh token from the body', async () => {
    const { answer } = await register();
    const body = { refresh_token: refreshCookie(answer)?.value };
    expectProblem(await call('POST', `${base}/refresh-token`, { body }), 'refresh_invalid');
  });
});

describe('a page of another site', () => {
  const foreign = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:3001' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: page, 'sec-fetch-site': 'cross-site' },
  ];

  it.each(foreign)('can neither use nor set the cookie: %j', async (headers) => {
    const { who, answer } = await register();
    const cookie = cookieOf(answer);
    expectProblem(await refresh(cookie, headers), 'origin_refused');
    expectProblem(await logout({ cookie, ...headers }), 'origin_refused');
    expectProblem(await login(who, headers), 'origin_refused');
    const other = await call('POST', `${base}/register`, { body: person(), headers });
    expectProblem(other, 'origin_refused');
    for (const refused of [await login(who, headers), other]) expect(setCookies(refused)).toEqual([]);
    expect((await refresh(cookie)).status).toBe(200);
  });

  it('is told nothing by CORS; the page of the allow-list is, with credentials', async () => {
    const preflight = (origin: string) =>
      call('OPTIONS', `${base}/refresh-token`, { headers: { origin, 'access-control-request-method': 'POST' } });
    const allowed = await preflight(page);
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-credentials': 'true',
    });
    expect((await preflight('https://evil.example')).headers).not.toHaveProperty('access-control-allow-origin');
    const { answer } = await register();
    const own = await refresh(cookieOf(answer), { origin: page, 'sec-fetch-site': 'same-site' });
    expect(own.headers['access-control-allow-origin']).toBe(page);
  });

  it('cannot send a form', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await call('POST', `${base}/login`, { body: 'email=a&password=b', headers });
    expectProblem(answer, 'media_type_unsupported');
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
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

  it('signs HS256 as expense-insights-auth, with role beside roles, for a quarter of an hour', async () => {
    const { answer } = await register();
    const { header, claims } = decodeToken(String(answer.body['access_token']));
    expect(header).toMatchObject({ alg: 'HS256', typ: 'at+jwt' });
    expect(claims).toMatchObject({ iss: 'expense-insights-auth', role: 'user', roles: ['user'] });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(900);
  });

  it('answers a refresh as a login: a new token, the user, a new cookie', async () => {
    const { who, answer } = await register();
    const again = await refresh(cookieOf(answer));
    expect(again.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      user: { email: who.email, role: 'user' },
    });
    expect(again.body).not.toHaveProperty('refresh_token');
    expect(again.body['access_token']).not.toBe(answer.body['access_token']);
    expect(refreshCookie(again)?.attributes).toEqual(attributes);
  });

  it('refuses a registration that lacks a member, is known, or has a weak password', async () => {
    const { who } = await register();
    const again = (body: object) => call('POST', `${base}/register`, { body });
    for (const name of ['email', 'password', 'first_name', 'last_name']) {
      const { [name as keyof typeof who]: _left, ...rest } = person();
      expectProblem(await again(rest), 'field_missing');
    }
    expectProblem(await again(who), 'account_exists');
    expectProblem(await again({ ...who, email: who.email.toUpperCase() }), 'account_exists');
    const weak = await again({ ...person(), password: 'abcdefgh1' });
    expectProblem(weak, 'password_weak');
    expect(weak.body['feedback']).toMatchObject({ warning: expect.any(String), suggestions: expect.any(Array) });
    for (const refused of [await again(who), weak]) expect(setCookies(refused)).toEqual([]);
  });

  it('knows in its log whose validated token a request carried', async () => {
    const { answer } = await register();
    const user = answer.body['user'] as { id: string };
    await call('GET', `${base}/me`, { bearer: String(answer.body['access_token']) });
    const line = await issuer.waitForLine((each) => each['path'] === `${base}/me` && each['user'] === user.id);
    expect(line).toMatchObject({ status: 200 });
  });

  it('has one JSON shape for a missing and an invalid token, and no answer that is not JSON', async () => {
    const missing = await call('GET', `${base}/me`);
    const invalid = await call('GET', `${base}/me`, { bearer: 'x.y.z' });
    expectProblem(missing, 'token_missing');
    expectProblem(invalid, 'token_invalid');
    expect(Object.keys(missing.body).sort()).toEqual(Object.keys(invalid.body).sort());
    const answers = [
      await call('GET', '/nowhere'),
      await call('DELETE', `${base}/login`),
      await call('POST', `${base}/login`, { body: '{', headers: { 'content-type': 'application/json' } }),
      await call('POST', `${base}/login`, { body: { email: 'a@example.org', password: 'x'.repeat(20_000) } }),
      await call('GET', '/health'),
      await logout(),
    ];
    for (const answer of answers) {
      expect(answer.headers['content-type']).toMatch(/^application\/(problem\+)?json/);
      expect(() => JSON.parse(answer.text)).not.toThrow();
    }
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
      expect(left.body).toEqual({ message: expect.any(String) });
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

  it('ends the older session when a registration comes with its live cookie, and not when it is refused', async () => {
    const { who, answer } = await register();
    const headers = { cookie: cookieOf(answer) };
    expectProblem(await call('POST', `${base}/register`, { body: who, headers }), 'account_exists');
    expect((await call('GET', `${base}/me`, { bearer: String(answer.body['access_token']) })).status).toBe(200);
    const next = await call('POST', `${base}/register`, { body: person(), headers });
    expect(next.status).toBe(201);
    expectProblem(await refresh(cookieOf(answer)), 'session_revoked');
    expect((await refresh(cookieOf(next))).status).toBe(200);
  });

  it('refuses two cookies of the name instead of believing one of them', async () => {
    const { answer } = await register();
    const cookie = `${cookieOf(answer)}; refresh_token=other`;
    expectProblem(await refresh(cookie), 'cookie_ambiguous');
    const body = person();
    expectProblem(await call('POST', `${base}/register`, { body, headers: { cookie } }), 'cookie_ambiguous');
    expect((await call('POST', `${base}/register`, { body })).status).toBe(201);
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

describe('the settings of the contract', () => {
  const settings = {
    SALLYPORT_PRESET: 'cookie-spa',
    AUTH_ACCESS_TOKEN_TTL_MINUTES: '2',
    AUTH_REFRESH_TOKEN_TTL_HOURS: '3',
    AUTH_JWT_ISSUER: 'another-name',
    REFRESH_SECRET: 'first-'.repeat(8),
  };
  const post = (server: Issuer, path: string, sent: object = {}) =>
    httpClient(server.url)('POST', `${base}/${path}`, sent);

  it('say how long tokens live, who issues them, and whether cookies are Secure', async () => {
    const server = await startIssuer({ ...settings, COOKIE_SECURE: 'off' });
    const answer = await post(server, 'register', { body: person() });
    expect(answer.body['expires_in']).toBe(120);
    expect(decodeToken(String(answer.body['access_token'])).claims).toMatchObject({ iss: 'another-name' });
    expect(refreshCookie(answer)?.attributes).toEqual(['HttpOnly', 'Max-Age=10800', `Path=${base}`, 'SameSite=Strict']);
    const warned = server.logLines().filter(({ warning }) => String(warning).includes('COOKIE_SECURE'));
    expect(warned).toHaveLength(1);
    await server.remove();
  });

  it('let no refresh token outlive its REFRESH_SECRET', async () => {
    const folder = issuerFolder();
    const first = await startIssuer(settings, folder);
    const cookie = cookieOf(await post(first, 'register', { body: person() }));
    await first.stop();
    const second = await startIssuer({ ...settings, REFRESH_SECRET: 'second-'.repeat(8) }, folder);
    expectProblem(await post(second, 'refresh-token', { headers: { cookie } }), 'refresh_invalid');
    await second.stop();
    const third = await startIssuer(settings, folder);
    expect((await post(third, 'refresh-token', { headers: { cookie } })).status).toBe(200);
    await third.remove();
  });
});

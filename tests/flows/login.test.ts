import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, setDisabled, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, register, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('POST /auth/login', () => {
  it('answers with tokens, their kind and lifetime, and the user', async () => {
    const { answer, person, userId } = await signUp(call);
    expect(answer.body).toEqual({
      message: 'Login successful',
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.stringMatching(/^[\w-]{74}$/),
      csrf_token: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      token_type: 'Bearer',
      expires_in: 900,
      user: { id: userId, email: person.email, name: person.name, role: 'user', roles: ['user'], permissions: [] },
    });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('sets the CSRF cookie, which holds the csrf_token of the body: 32 bytes in base64', async () => {
    const { answer, csrf } = await signUp(call);
    expect(setCookies(answer)).toEqual([
      {
        name: 'csrf_token',
        value: csrf,
        attributes: ['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Strict', 'Secure'],
      },
    ]);
    expect(Buffer.from(csrf, 'base64')).toHaveLength(32);
  });

  it('issues an access token with exactly the claims of RFC 9068, the session and the contract', async () => {
    const before = Math.floor(Date.now() / 1000);
    const { access, person, userId } = await signUp(call);
    const { header, claims } = decodeToken(access);
    expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: expect.stringMatching(/^[\w-]{8,}$/) });
    const iat = Number(claims['iat']);
    expect(claims).toEqual({
      iss: 'auth-service',
      sub: userId,
      aud: 'sallyport',
      client_id: 'default',
      iat: expect.any(Number),
      nbf: iat,
      exp: iat + 900,
      jti: expect.stringMatching(uuid),
      sid: expect.stringMatching(uuid),
      uep: 1,
      roles: ['user'],
      auth_time: expect.any(Number),
      amr: ['pwd'],
      user_id: userId,
      email: person.email,
      name: person.name,
    });
    expect(iat).toBeGreaterThanOrEqual(before);
    expect(Number.isInteger(claims['auth_time'])).toBe(true);
    expect(Math.abs(Number(claims['auth_time']) - iat)).toBeLessThanOrEqual(1);
  });

  it('names the key id in a way that tells nothing about the secret', async () => {
    const { access } = await signUp(call);
    const kid = String(decodeToken(access).header['kid']);
    expect(issuer.folder.settings['JWT_SECRET']).not.toContain(kid);
  });

  it('makes a session of its own for each login', async () => {
    const first = await signUp(call);
    const second = await login(call, first.person);
    const [one, two] = [first, second].map(({ access }) => decodeToken(access).claims);
    expect(one?.['sid']).not.toBe(two?.['sid']);
    expect(one?.['jti']).not.toBe(two?.['jti']);
    expect(first.refresh).not.toBe(second.refresh);
    expect(first.csrf).not.toBe(second.csrf);
  });

  it('answers one and the same to a wrong password, an unknown account and no address at all', async () => {
    const { person } = await signUp(call);
    const answers = [
      await call('POST', '/auth/login', { body: { email: person.email, password: 'wrong horse battery' } }),
      await call('POST', '/auth/login', { body: { email: newPerson().email, password: person.password } }),
      await call('POST', '/auth/login', { body: { email: 'nobody', password: person.password } }),
      await call('POST', '/auth/login', { body: { email: person.email, password: '' } }),
    ];
    for (const answer of answers) expectProblem(answer, 'credentials_invalid', 'Invalid credentials');
    const bodies = answers.map(({ body }) => ({ ...body, instance: '' }));
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it('refuses a body of another form', async () => {
    for (const body of [{}, { email: 'a@example.org' }, { password: 'correct horse' }]) {
      expectProblem(await call('POST', '/auth/login', { body }), 'field_missing', 'Invalid request body');
    }
    for (const body of [
      { email: 7, password: 'x' },
      { email: 'a@example.org', password: ['x'] },
    ]) {
      expectProblem(await call('POST', '/auth/login', { body }), 'field_invalid', 'Invalid request body');
    }
    const headers = { 'content-type': 'application/json' };
    expectProblem(await call('POST', '/auth/login', { body: '{', headers }), 'body_invalid', 'Invalid request body');
  });

  it('says that an account is disabled only after the right password, and ends its sessions', async () => {
    const { person, access, refresh } = await signUp(call);
    await setDisabled(issuer.folder, person.email, true);
    const attempt = (password: string) => call('POST', '/auth/login', { body: { email: person.email, password } });
    expectProblem(await attempt(person.password), 'account_disabled', 'Account is disabled');
    expectProblem(await attempt('wrong horse battery'), 'credentials_invalid', 'Invalid credentials');
    expectProblem(await call('GET', '/auth/verify', { bearer: access }), 'token_revoked', 'Invalid or expired token');
    const refreshed = await call('POST', '/auth/refresh', { body: { refresh_token: refresh } });
    expectProblem(refreshed, 'session_revoked', 'Refresh token not found or revoked');

    await setDisabled(issuer.folder, person.email, false);
    expect((await attempt(person.password)).status).toBe(200);
    // What was ended stays ended.
    expectProblem(await call('GET', '/auth/verify', { bearer: access }), 'token_revoked', 'Invalid or expired token');
  });

  it('takes an e-mail in another case and an unnormalised password for the same', async () => {
    const person = newPerson({ email: `Ann.${Date.now()}@Example.org`, password: 'Ångström café ﬁne' });
    expect((await register(call, person)).status).toBe(201);
    const decomposed = { ...person, email: person.email.toLowerCase(), password: 'Ångström café fine' };
    expect((await login(call, decomposed)).userId).toBeTruthy();
  });

  it('writes one line per attempt: time, event, user, status, duration, address, agent', async () => {
    const { person, userId } = await signUp(call);
    const headers = { 'user-agent': `agent-of-${userId}` };
    await call('POST', '/auth/login', { body: { email: person.email, password: person.password }, headers });
    const line = await issuer.waitForLine(({ agent }) => agent === headers['user-agent']);
    expect(line).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      event: 'login',
      user: userId,
      status: 200,
      durationMs: expect.any(Number),
      address: '127.0.0.1',
    });
  });
});

/** contracts/microservices.md, "Auth service", as a client sees it: through the gateway, over HTTP, with every server its own process. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { issuerFolder, setDisabled } from '../testing/issuer.ts';
import { type Microservices, newInstallation, startMicroservices } from '../testing/microservices.ts';
import { login, newPerson, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const api = '/api/v1';

const startWithSecret = () => startMicroservices();

/** RS256 as the contract describes it for production: a private key for the issuer, its public half for both. */
const startWithPemFiles = (): Promise<Microservices> => {
  const folder = issuerFolder();
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [privatePath, publicPath] = [join(folder.path, 'private.pem'), join(folder.path, 'public.pem')];
  writeFileSync(privatePath, privateKey.export({ type: 'pkcs1', format: 'pem' }));
  writeFileSync(publicPath, publicKey.export({ type: 'spki', format: 'pem' }));
  const shared = { JWT_ALGORITHM: 'RS256', JWT_SECRET: '', JWT_PUBLIC_KEY_PATH: publicPath };
  const issuer = { ...shared, JWT_PRIVATE_KEY_PATH: privatePath };
  return startMicroservices({ issuer, gateway: shared }, newInstallation(folder));
};

const systems = [
  ['HS256', 'one secret', startWithSecret],
  ['RS256', 'PEM files', startWithPemFiles],
] as const;

describe.each(systems)('%s with %s', (algorithm, _keys, start) => {
  let system: Microservices;
  let call: Call;
  beforeAll(async () => {
    system = await start();
    call = httpClient(system.gateway.url);
  });
  afterAll(() => system.remove());

  const post = (path: string, body?: unknown, more: { readonly bearer?: string } = {}): Promise<Answer> =>
    call('POST', `${api}/auth/${path}`, { ...(body !== undefined && { body }), ...more });
  const verify = (bearer: string, headers: Readonly<Record<string, string>> = {}) =>
    call('GET', `${api}/auth/verify`, { bearer, headers });
  const csrfCookie = (value: string) => [
    {
      name: 'csrf_token',
      value,
      attributes: ['HttpOnly', `Max-Age=${value === '' ? 0 : 604_800}`, 'Path=/', 'SameSite=Strict', 'Secure'],
    },
  ];

  it('registers: 201, and 400 and 409 in the contract’s words', async () => {
    const person = newPerson();
    const { email, password, name } = person;
    const answer = await register(call, person, api);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      message: 'User registered successfully',
      user: { id: expect.any(String), email, name },
    });
    expectProblem(await register(call, person, api), 'account_exists', 'User with this email already exists');
    expectProblem(
      await post('register', { email, password }),
      'field_missing',
      'Email, password, and name are required',
    );
    const short = await post('register', { email: newPerson().email, password: '1234567', name });
    expectProblem(short, 'password_too_short', 'Password must be at least 8 characters');
    const headers = { 'content-type': 'application/json' };
    const broken = await call('POST', `${api}/auth/register`, { body: '{"email":', headers });
    expectProblem(broken, 'body_invalid', 'Invalid request body');
  });

  it('logs in: tokens, cookie and claims; 401 and 403 in the contract’s words', async () => {
    const { answer, person, access, csrf, userId } = await signUp(call, newPerson(), api);
    expect(answer.body).toMatchObject({
      message: 'Login successful',
      token_type: 'Bearer',
      expires_in: 900,
      user: { id: userId, email: person.email, name: person.name },
    });
    expect(setCookies(answer)).toEqual(csrfCookie(csrf));
    expect(Buffer.from(csrf, 'base64')).toHaveLength(32);
    const { header, claims } = decodeToken(access);
    expect(header).toMatchObject({ alg: algorithm, typ: 'at+jwt', kid: expect.any(String) });
    expect(claims).toMatchObject({ iss: 'auth-service', user_id: userId, email: person.email });
    expect([claims['nbf'], claims['exp']]).toEqual([claims['iat'], Number(claims['iat']) + 900]);

    const wrong = await post('login', { email: person.email, password: 'wrong horse battery' });
    expectProblem(wrong, 'credentials_invalid', 'Invalid credentials');
    await setDisabled(system.installation.folder, person.email, true);
    const disabled = await post('login', { email: person.email, password: person.password });
    expectProblem(disabled, 'account_disabled', 'Account is disabled');
  });

  it('refreshes: same refresh token, fresh access and CSRF token; 401 in the contract’s words', async () => {
    const { refresh, access, csrf } = await signUp(call, newPerson(), api);
    const answer = await post('refresh', { refresh_token: refresh });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      message: 'Token refreshed successfully',
      refresh_token: refresh,
      token_type: 'Bearer',
      expires_in: 900,
    });
    const fresh = tokensOf(answer);
    expect(setCookies(answer)).toEqual(csrfCookie(fresh.csrf));
    expect([fresh.access === access, fresh.csrf === csrf]).toEqual([false, false]);
    const forged = await post('refresh', { refresh_token: 'x' });
    expectProblem(forged, 'refresh_invalid', 'Invalid or expired refresh token');
    await post('logout', { refresh_token: refresh });
    const dead = await post('refresh', { refresh_token: refresh });
    expectProblem(dead, 'session_revoked', 'Refresh token not found or revoked');
  });

  it('logs out: 200 always, the cookie cleared with the same attributes', async () => {
    const { refresh, access } = await signUp(call, newPerson(), api);
    for (const body of [{ refresh_token: refresh }, { refresh_token: refresh }, { refresh_token: 'x' }, undefined]) {
      const answer = await post('logout', body);
      expect([answer.status, answer.body]).toEqual([200, { message: 'Logged out successfully' }]);
      expect(setCookies(answer)).toEqual(csrfCookie(''));
    }
    expectProblem(await verify(access), 'token_revoked', 'Invalid or expired token');
  });

  it('verifies: user and csrf_valid; 401 in the contract’s words', async () => {
    const { access, csrf, userId } = await signUp(call, newPerson(), api);
    const answer = await verify(access);
    expect(answer.body).toMatchObject({ valid: true, csrf_valid: true, user: { id: userId } });
    const pair = (header: string, cookie: string) => ({ 'x-csrf-token': header, cookie: `csrf_token=${cookie}` });
    expect((await verify(access, pair(csrf, csrf))).body).toMatchObject({ valid: true, csrf_valid: true });
    for (const headers of [
      pair(csrf, 'x'),
      pair('x', csrf),
      { 'x-csrf-token': csrf },
      { cookie: `csrf_token=${csrf}` },
    ]) {
      const half = await verify(access, headers);
      expect([half.status, half.body['csrf_valid']]).toEqual([200, false]);
    }
    expectProblem(await call('GET', `${api}/auth/verify`), 'token_missing', 'Authorization header missing');
    const basic = await call('GET', `${api}/auth/verify`, { headers: { authorization: 'Basic eA==' } });
    expectProblem(basic, 'authorization_malformed', 'Invalid authorization header format');
    expectProblem(await verify('x.y.z'), 'token_invalid', 'Invalid or expired token');
    await call('DELETE', `${api}/auth/account`, { bearer: access });
    expectProblem(await verify(access), 'user_unknown', 'User not found');
  });

  it('serves the rest of the issuer: refresh-token, revoke, logout-all, me, sessions, password, public key', async () => {
    const { person, access, refresh, userId } = await signUp(call, newPerson(), api);
    const other = await login(call, person, api);
    expect((await post('refresh-token', { refresh_token: refresh })).status).toBe(200);
    expect((await call('GET', `${api}/auth/me`, { bearer: access })).body).toMatchObject({ user: { id: userId } });
    const listed = await call('GET', `${api}/auth/sessions`, { bearer: access });
    expect(listed.body['sessions']).toHaveLength(2);
    const otherId = String(decodeToken(other.access).claims['sid']);
    const ended = await call('DELETE', `${api}/auth/sessions/${otherId}`, { bearer: access });
    expect(ended.body).toEqual({ message: 'Session ended' });
    expect((await call('DELETE', `${api}/auth/sessions`, { bearer: access })).body).toMatchObject({ ended: 0 });
    const changed = await post(
      'password',
      { current_password: person.password, new_password: 'another good password' },
      { bearer: access },
    );
    const fresh = tokensOf(changed);
    expect(changed.status).toBe(200);
    expect((await post('revoke', { refresh_token: 'x' })).body).toEqual({ message: 'Token revoked successfully' });
    const everywhere = await call('POST', `${api}/auth/logout-all`, { bearer: fresh.access });
    expect(everywhere.body).toEqual({ message: 'logged out from all devices' });
    expectProblem(await verify(fresh.access), 'token_revoked', 'Invalid or expired token');
    const key = await call('GET', `${api}/auth/public-key`);
    if (algorithm === 'HS256') expectProblem(key, 'no_public_key');
    else expect([key.status, key.text]).toEqual([200, expect.stringContaining('BEGIN PUBLIC KEY')]);
  });

  it('believes the access token at the services, and no other', async () => {
    const { access, person, userId } = await signUp(call, newPerson(), api);
    const profile = await call('GET', `${api}/users/profile`, { bearer: access });
    expect(profile.body).toEqual({ user: { id: userId, email: person.email, name: person.name, bio: '' } });
    const [head = '', payload = ''] = access.split('.');
    const refused = await call('GET', `${api}/users/profile`, { bearer: `${head}.${payload}.${'A'.repeat(43)}` });
    expectProblem(refused, 'token_invalid', 'Invalid or expired token');
  });

  it('tells everybody’s address as the gateway sees it, whatever a client writes', async () => {
    const person = newPerson();
    await register(call, person, api);
    const headers = { 'x-forwarded-for': '203.0.113.66', 'x-gateway-assertion': 'x.y.z', 'user-agent': person.email };
    const { email, password } = person;
    const answer = await call('POST', `${api}/auth/login`, { body: { email, password }, headers });
    const listed = await call('GET', `${api}/auth/sessions`, { bearer: tokensOf(answer).access });
    expect(listed.body['sessions']).toMatchObject([{ address: '127.0.0.1', user_agent: email }]);
    const line = await system.issuer.waitForLine(({ agent }) => agent === email);
    expect(line).toMatchObject({ event: 'login', status: 200, address: '127.0.0.1' });
  });

  it('a body that the issuer would not take is 413 at the gateway, every time', async () => {
    const body = { email: 'a@example.org', password: 'a'.repeat(700_000) };
    for (let round = 0; round < 20; round += 1) {
      expectProblem(await call('POST', `${api}/auth/login`, { body }), 'body_too_large');
    }
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });

describe('POST /auth/password', () => {
  const change = (bearer: string, current_password: unknown, new_password: unknown) =>
    call('POST', '/auth/password', { bearer, body: { current_password, new_password } });

  it('ends every other session; this one goes on with fresh tokens, and its old ones are dead', async () => {
    const one = await signUp(call);
    const other = await login(call, one.person);
    const answer = await change(one.access, one.person.password, 'another good password');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      message: 'Password changed successfully',
      token_type: 'Bearer',
      expires_in: 900,
    });
    const fresh = tokensOf(answer);
    expect(setCookies(answer)[0]?.value).toBe(fresh.csrf);
    expect(decodeToken(fresh.access).claims).toMatchObject({ sid: decodeToken(one.access).claims['sid'], uep: 2 });

    expect((await call('GET', '/auth/me', { bearer: fresh.access })).status).toBe(200);
    expect((await refresh(fresh.refresh)).status).toBe(200);
    expect((await call('GET', '/auth/me', { bearer: one.access })).status).toBe(401);
    expectProblem(await call('GET', '/auth/me', { bearer: other.access }), 'token_revoked', 'Invalid or expired token');
    expectProblem(await refresh(other.refresh), 'session_revoked', 'Refresh token not found or revoked');

    const { email } = one.person;
    const old = await call('POST', '/auth/login', { body: { email, password: one.person.password } });
    expectProblem(old, 'credentials_invalid', 'Invalid credentials');
    expect((await login(call, { ...one.person, password: 'another good password' })).access).toBeTruthy();
  });

  it('leaves no older refresh token of the session alive', async () => {
    const one = await signUp(call);
    const fresh = tokensOf(await change(one.access, one.person.password, 'another good password'));
    expect(fresh.refresh).not.toBe(one.refresh);
    expectProblem(await refresh(one.refresh), 'refresh_invalid', 'Invalid or expired refresh token');
    // Nobody is taken for a thief: another tab that still held the old token did no harm.
    expect((await refresh(fresh.refresh)).status).toBe(200);
  });

  it('needs the current password and a new one that is long enough and another', async () => {
    const { access, person } = await signUp(call);
    const wrong = await change(access, 'wrong horse battery', 'another good password');
    expectProblem(wrong, 'credentials_invalid', 'Invalid credentials');
    expectProblem(await change(access, person.password, person.password), 'password_unchanged');
    const short = await change(access, person.password, 'short');
    expectProblem(short, 'password_too_short', 'Password must be at least 8 characters');
    const long = await change(access, person.password, 'x'.repeat(73));
    expectProblem(long, 'password_too_long', 'Invalid request body');
    expectProblem(await change(access, 7, []), 'field_invalid', 'Invalid request body');
    const without = await call('POST', '/auth/password', { bearer: access, body: { new_password: 'a good password' } });
    expectProblem(without, 'field_missing', 'Invalid request body');
    // None of it changed anything.
    expect((await call('GET', '/auth/me', { bearer: access })).status).toBe(200);
    expect((await login(call, person)).access).toBeTruthy();
  });

  it('needs an access token', async () => {
    const body = { current_password: 'correct horse', new_password: 'another good password' };
    const answer = await call('POST', '/auth/password', { body });
    expectProblem(answer, 'token_missing', 'Authorization header missing');
  });

  it('lets one of two changes at once win', async () => {
    const { access, person } = await signUp(call);
    const answers = await Promise.all([
      change(access, person.password, 'the first new password'),
      change(access, person.password, 'the second new password'),
    ]);
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 401]);
  });
});

describe('DELETE /auth/account', () => {
  it('ends the account, its sessions and tokens; the e-mail can be registered again', async () => {
    const one = await signUp(call);
    const other = await login(call, one.person);
    const answer = await call('DELETE', '/auth/account', { bearer: one.access });
    expect([answer.status, answer.body]).toEqual([
      200,
      { message: 'Account deleted successfully', user_id: one.userId },
    ]);
    expect(setCookies(answer)[0]).toMatchObject({ name: 'csrf_token', value: '' });

    for (const { access, refresh: token } of [one, other]) {
      expectProblem(await call('GET', '/auth/me', { bearer: access }), 'user_unknown', 'User not found');
      expect((await refresh(token)).status).toBe(401);
    }
    const { email, password } = one.person;
    const dead = await call('POST', '/auth/login', { body: { email, password } });
    expectProblem(dead, 'credentials_invalid', 'Invalid credentials');

    expect((await register(call, one.person)).status).toBe(201);
    const again = await login(call, one.person);
    expect(again.userId).not.toBe(one.userId);
    expectProblem(await call('GET', '/auth/me', { bearer: one.access }), 'user_unknown', 'User not found');
  });
});

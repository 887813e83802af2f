import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer({ REFRESH_ROTATION: 'on' });
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const clearedCookie = {
  name: 'csrf_token',
  value: '',
  attributes: ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Strict', 'Secure'],
};
const gone = 'Refresh token not found or revoked';
const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });

const routes = [
  ['/auth/logout', 'Logged out successfully'],
  ['/auth/revoke', 'Token revoked successfully'],
] as const;

describe.each(routes)('POST %s', (path, message) => {
  const leave = (token: string) => call('POST', path, { body: { refresh_token: token } });
  const expectLeft = (answer: Answer): void => {
    expect([answer.status, answer.body]).toEqual([200, { message }]);
    expect(setCookies(answer)).toEqual([clearedCookie]);
  };

  it('ends the session, clears the cookie with the same attributes, and needs neither Bearer nor CSRF', async () => {
    const one = await signUp(call);
    const other = await login(call, one.person);
    expectLeft(await leave(one.refresh));
    expectProblem(await refresh(one.refresh), 'session_revoked', gone);
    const verified = await call('GET', '/auth/verify', { bearer: one.access });
    expectProblem(verified, 'token_revoked', 'Invalid or expired token');
    expect((await call('GET', '/auth/verify', { bearer: other.access })).status).toBe(200);
  });

  it('answers 200 to an unknown, dead, malformed or missing token', async () => {
    const { refresh: dead } = await signUp(call);
    await leave(dead);
    for (const token of [dead, 'x', '', 'A'.repeat(74), `${dead}=`]) expectLeft(await leave(token));
    expectLeft(await call('POST', path));
    expectLeft(await call('POST', path, { body: {} }));
  });

  it('ends the session with an older token of it, without calling it theft', async () => {
    const { refresh: first } = await signUp(call);
    const second = tokensOf(await refresh(first)).refresh;
    const third = tokensOf(await refresh(second)).refresh;
    expectLeft(await leave(first));
    expectProblem(await refresh(third), 'session_revoked', gone);
  });

  it('ends nothing for a forgery that names the session', async () => {
    const { refresh: token, access } = await signUp(call);
    const forged = token.slice(0, -6) + (token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA');
    expectLeft(await leave(forged));
    expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
  });

  it('refuses members that it does not know', async () => {
    const { refresh: token } = await signUp(call);
    const answer = await call('POST', path, { body: { refresh_token: token, everywhere: true } });
    expectProblem(answer, 'body_invalid', 'Invalid request body');
  });
});

describe('POST /auth/logout-all', () => {
  it('ends every session and access token of the user, and nobody else’s', async () => {
    const one = await signUp(call);
    const two = await login(call, one.person);
    const other = await signUp(call);
    const answer = await call('POST', '/auth/logout-all', { bearer: one.access });
    expect([answer.status, answer.body]).toEqual([200, { message: 'logged out from all devices' }]);
    expect(setCookies(answer)).toEqual([clearedCookie]);
    for (const { access, refresh: token } of [one, two]) {
      const verified = await call('GET', '/auth/verify', { bearer: access });
      expectProblem(verified, 'token_revoked', 'Invalid or expired token');
      expectProblem(await refresh(token), 'session_revoked', gone);
    }
    expect((await refresh(other.refresh)).status).toBe(200);
    expect((await login(call, one.person)).access).toBeTruthy();
  });

  it('needs an access token', async () => {
    expectProblem(await call('POST', '/auth/logout-all'), 'token_missing', 'Authorization header missing');
  });
});

describe('logout with the access token alone', () => {
  it('ends the session that the token belongs to, and is 200 with a dead one', async () => {
    const { access, refresh: token } = await signUp(call);
    for (let count = 0; count < 2; count += 1) {
      expect((await call('POST', '/auth/logout', { bearer: access })).status).toBe(200);
    }
    expectProblem(await refresh(token), 'session_revoked', gone);
    expectProblem(await call('GET', '/auth/me', { bearer: access }), 'token_revoked');
  });
});

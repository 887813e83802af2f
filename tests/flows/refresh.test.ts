import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setCookies } from '../testing/cookies.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const invalid = 'Invalid or expired refresh token';
const gone = 'Refresh token not found or revoked';

/** Changes one character of the token's last MAC and keeps it well-formed. */
const flip = (token: string, at: number): string =>
  token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);

let fixed: Issuer;
beforeAll(async () => {
  fixed = await startIssuer();
});
afterAll(() => fixed.remove());

describe.each(['/auth/refresh', '/auth/refresh-token'])('POST %s without rotation', (path) => {
  const call: Call = (method, target, sent) => httpClient(fixed.url)(method, target, sent);
  const refresh = (token: unknown) => call('POST', path, { body: { refresh_token: token } });

  it('hands out a new access token and CSRF token; the refresh token stays', async () => {
    const { refresh: token, access, csrf, userId } = await signUp(call);
    const answer = await refresh(token);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      message: 'Token refreshed successfully',
      access_token: expect.any(String),
      refresh_token: token,
      csrf_token: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      token_type: 'Bearer',
      expires_in: 900,
      user: expect.objectContaining({ id: userId }),
    });
    const fresh = tokensOf(answer);
    expect(fresh.access).not.toBe(access);
    expect(fresh.csrf).not.toBe(csrf);
    expect(setCookies(answer)).toEqual([
      {
        name: 'csrf_token',
        value: fresh.csrf,
        attributes: ['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Strict', 'Secure'],
      },
    ]);
    const [before, after] = [access, fresh.access].map((one) => decodeToken(one).claims);
    expect(after?.['sid']).toBe(before?.['sid']);
    expect(after?.['auth_time']).toBe(before?.['auth_time']);
    expect(after?.['jti']).not.toBe(before?.['jti']);
    expect((await refresh(token)).status).toBe(200);
    expect((await call('GET', '/auth/verify', { bearer: fresh.access })).status).toBe(200);
  });

  it('refuses garbage and forgeries alike', async () => {
    const { refresh: token, access, csrf } = await signUp(call);
    const forgeries = [
      'x',
      'A'.repeat(74),
      access,
      csrf,
      flip(token, 73),
      flip(token, 60),
      flip(token, 30),
      flip(token, 5),
    ];
    // The last character of 55 bytes carries two bits that mean nothing: another spelling is another token.
    for (const forged of [...forgeries, `${token}=`, `${token} `, token.slice(0, -1)]) {
      const answer = await refresh(forged);
      if (forged === access) expectProblem(answer, 'field_invalid', 'Invalid request body');
      else expectProblem(answer, 'refresh_invalid', invalid);
    }
    expect((await refresh(token)).status).toBe(200);
  });

  it('refuses a body without the token', async () => {
    for (const body of [undefined, {}, { refresh_token: '' }]) {
      const answer = await call('POST', path, body === undefined ? {} : { body });
      expectProblem(answer, 'field_missing', 'Invalid request body');
    }
    expectProblem(await refresh(7), 'field_invalid', 'Invalid request body');
    expectProblem(await refresh(null), 'field_invalid', 'Invalid request body');
  });

  it('refuses an Idempotency-Key of the wrong form', async () => {
    const { refresh: token } = await signUp(call);
    for (const key of ['short', 'x'.repeat(129), 'not base64url at all!!']) {
      const answer = await call('POST', path, { body: { refresh_token: token }, headers: { 'idempotency-key': key } });
      expectProblem(answer, 'idempotency_key_invalid');
    }
  });

  it('refuses the token of a session that was logged out, and of an account that is gone', async () => {
    const one = await signUp(call);
    await call('POST', '/auth/logout', { body: { refresh_token: one.refresh } });
    expectProblem(await refresh(one.refresh), 'session_revoked', gone);

    const other = await signUp(call);
    expect((await call('DELETE', '/auth/account', { bearer: other.access })).status).toBe(200);
    expectProblem(await refresh(other.refresh), 'user_unknown', 'User not found');
  });
});

describe('POST /auth/refresh with rotation', () => {
  let issuer: Issuer;
  let strict: Issuer;
  let call: Call;
  let strictCall: Call;
  beforeAll(async () => {
    [issuer, strict] = await Promise.all([
      startIssuer({ REFRESH_ROTATION: 'on' }),
      startIssuer({ REFRESH_ROTATION: 'on', REFRESH_OVERLAP_SECONDS: '0' }),
    ]);
    call = httpClient(issuer.url);
    strictCall = httpClient(strict.url);
  });
  afterAll(() => Promise.all([issuer.remove(), strict.remove()]));
  const refreshAt = (at: Call, token: string, headers: Readonly<Record<string, string>> = {}) =>
    at('POST', '/auth/refresh', { body: { refresh_token: token }, headers });

  it('hands out the successor, and the same one to everybody inside the overlap', async () => {
    const { refresh: first } = await signUp(call);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refreshAt(call, first)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set(answers.map((answer) => tokensOf(answer).refresh));
    expect(successors.size).toBe(1);
    const [second = ''] = successors;
    expect(second).not.toBe(first);
    expect((await refreshAt(call, second)).status).toBe(200);
  });

  it('takes an older token for theft: that session ends, others live', async () => {
    const victim = await signUp(call);
    const other = await signUp(call);
    const second = tokensOf(await refreshAt(call, victim.refresh)).refresh;
    const third = tokensOf(await refreshAt(call, second)).refresh;
    expectProblem(await refreshAt(call, victim.refresh), 'refresh_reused', gone);
    expectProblem(await refreshAt(call, third), 'refresh_reused', gone);
    const verified = await call('GET', '/auth/verify', { bearer: victim.access });
    expectProblem(verified, 'token_revoked', 'Invalid or expired token');
    expect((await refreshAt(call, other.refresh)).status).toBe(200);
  });

  it('takes the predecessor for theft at once where the overlap is 0', async () => {
    const { refresh: first } = await signUp(strictCall);
    const second = tokensOf(await refreshAt(strictCall, first)).refresh;
    expectProblem(await refreshAt(strictCall, first), 'refresh_reused', gone);
    const dead = await refreshAt(strictCall, second);
    expect([dead.status, dead.body['error']]).toEqual([401, gone]);
  });

  it('gives the same successor to whoever repeats its attempt id, also past the overlap', async () => {
    const { refresh: first } = await signUp(strictCall);
    const headers = { 'idempotency-key': 'an-attempt-id-of-22-or-more' };
    const second = tokensOf(await refreshAt(strictCall, first, headers)).refresh;
    const repeated = await refreshAt(strictCall, first, headers);
    expect(repeated.status).toBe(200);
    expect(tokensOf(repeated).refresh).toBe(second);
    expectProblem(
      await refreshAt(strictCall, first, { 'idempotency-key': 'another-attempt-id-of-this' }),
      'refresh_reused',
      gone,
    );
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer({ SESSIONS_PER_USER: '3' });
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

interface ListedSession {
  readonly id: string;
  readonly current: boolean;
}
const list = async (bearer: string): Promise<readonly ListedSession[]> => {
  const answer = await call('GET', '/auth/sessions', { bearer });
  expect(answer.status).toBe(200);
  return answer.body['sessions'] as readonly ListedSession[];
};
const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const sid = (access: string) => String(decodeToken(access).claims['sid']);

describe('the sessions of a user', () => {
  it('are listed newest first, with this one marked, and where they are from', async () => {
    const first = await signUp(call);
    const second = await login(call, first.person);
    const listed = await list(first.access);
    expect(listed).toEqual(
      [second, first].map(({ access }) => ({
        id: sid(access),
        current: access === first.access,
        created_at: isoTime,
        last_seen_at: isoTime,
        expires_at: isoTime,
        address: '127.0.0.1',
        user_agent: 'sallyport-tests/1',
      })),
    );
  });

  it('end one by one; another user’s session is as unknown as one that never was', async () => {
    const one = await signUp(call);
    const two = await login(call, one.person);
    const stranger = await signUp(call);
    const end = (id: string, bearer: string) => call('DELETE', `/auth/sessions/${id}`, { bearer });

    for (const id of [sid(stranger.access), '01a20131-8d90-706e-a241-de063c36a7cc', 'x'.repeat(36)]) {
      expectProblem(await end(id, one.access), 'session_unknown');
    }
    expectProblem(await end('short', one.access), 'field_invalid', 'Invalid request body');
    expect((await call('GET', '/auth/me', { bearer: stranger.access })).status).toBe(200);

    const answer = await end(sid(two.access), one.access);
    expect([answer.status, answer.body]).toEqual([200, { message: 'Session ended' }]);
    expectProblem(await call('GET', '/auth/me', { bearer: two.access }), 'token_revoked', 'Invalid or expired token');
    const refreshed = await call('POST', '/auth/refresh', { body: { refresh_token: two.refresh } });
    expectProblem(refreshed, 'session_revoked', 'Refresh token not found or revoked');
    expectProblem(await end(sid(two.access), one.access), 'session_unknown');
    expect((await list(one.access)).map(({ id }) => id)).toEqual([sid(one.access)]);
  });

  it('all but this one end at once', async () => {
    const one = await signUp(call);
    const others = [await login(call, one.person), await login(call, one.person)];
    const answer = await call('DELETE', '/auth/sessions', { bearer: one.access });
    expect([answer.status, answer.body]).toEqual([200, { message: 'Other sessions ended', ended: 2 }]);
    for (const { access } of others) {
      expectProblem(await call('GET', '/auth/me', { bearer: access }), 'token_revoked', 'Invalid or expired token');
    }
    expect(await list(one.access)).toHaveLength(1);
    const again = await call('DELETE', '/auth/sessions', { bearer: one.access });
    expect(again.body['ended']).toBe(0);
  });

  it('are at most as many as the setting says: a further login ends the oldest', async () => {
    const oldest = await signUp(call);
    for (let logins = 0; logins < 2; logins += 1) await login(call, oldest.person);
    expect(await list(oldest.access)).toHaveLength(3);
    const newest = await login(call, oldest.person);
    expect(await list(newest.access)).toHaveLength(3);
    expectProblem(
      await call('GET', '/auth/me', { bearer: oldest.access }),
      'token_revoked',
      'Invalid or expired token',
    );
  });
});

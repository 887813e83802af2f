import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type LoggedIn, login, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
let ann: LoggedIn;
beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
  ann = await signUp(call);
});
afterAll(() => issuer.remove());

const userOf = ({ userId: id, person: { email, name } }: LoggedIn) => ({
  id,
  email,
  name,
  role: 'user',
  roles: ['user'],
  permissions: [],
});

describe('GET /auth/verify', () => {
  const verify = (headers: Readonly<Record<string, string>> = {}) =>
    call('GET', '/auth/verify', { bearer: ann.access, headers });
  const pair = (header: string, cookie: string) => ({ 'x-csrf-token': header, cookie: `csrf_token=${cookie}` });

  it('shows the user of a good token; header and cookie both absent pass', async () => {
    const answer = await verify();
    expect([answer.status, answer.body]).toEqual([200, { valid: true, csrf_valid: true, user: userOf(ann) }]);
  });

  it('says that the pair passes where each is bound to this session, also after a refresh in another tab', async () => {
    const renewed = tokensOf(await call('POST', '/auth/refresh', { body: { refresh_token: ann.refresh } }));
    for (const headers of [pair(ann.csrf, ann.csrf), pair(ann.csrf, renewed.csrf), pair(renewed.csrf, ann.csrf)]) {
      expect((await verify(headers)).body).toMatchObject({ valid: true, csrf_valid: true });
    }
  });

  it('says false, still 200, where one is missing, forged, or of another session', async () => {
    const elsewhere = await login(call, ann.person);
    const forged = Buffer.alloc(32, 1).toString('base64');
    for (const headers of [
      { 'x-csrf-token': ann.csrf },
      { cookie: `csrf_token=${ann.csrf}` },
      pair(forged, forged),
      pair('same', 'same'),
      pair('', ''),
      pair(elsewhere.csrf, elsewhere.csrf),
      pair(ann.csrf, elsewhere.csrf),
    ]) {
      const answer = await verify(headers);
      expect([answer.status, answer.body['valid'], answer.body['csrf_valid']]).toEqual([200, true, false]);
    }
  });

  it('refuses to choose between two cookies of one name', async () => {
    const cookie = `csrf_token=${ann.csrf}; csrf_token=${ann.csrf}`;
    const answer = await verify({ 'x-csrf-token': ann.csrf, cookie });
    expectProblem(answer, 'cookie_ambiguous');
    expect(answer.body['params']).toEqual({ cookie: 'csrf_token' });
  });
});

describe.each([
  ['GET', '/auth/verify'],
  ['GET', '/auth/me'],
  ['GET', '/auth/sessions'],
  ['DELETE', '/auth/sessions'],
  ['POST', '/auth/logout-all'],
  ['DELETE', '/auth/account'],
])('%s %s', (method, path) => {
  it('says what is wrong with the Authorization header', async () => {
    expectProblem(await call(method, path), 'token_missing', 'Authorization header missing');
    for (const authorization of ['Bearer', 'Basic dXNlcjpwYXNz', `Token ${ann.access}`, ann.access, 'Bearer a b']) {
      const answer = await call(method, path, { headers: { authorization } });
      expectProblem(answer, 'authorization_malformed', 'Invalid authorization header format');
    }
    for (const bearer of ['x', 'a.b.c', `${ann.access}x`, ann.refresh]) {
      expectProblem(await call(method, path, { bearer }), 'token_invalid', 'Invalid or expired token');
    }
  });
});

it('GET /auth/verify and /auth/me know no user any more once the account is deleted', async () => {
  const bob = await signUp(call);
  expect((await call('DELETE', '/auth/account', { bearer: bob.access })).status).toBe(200);
  for (const path of ['/auth/verify', '/auth/me']) {
    expectProblem(await call('GET', path, { bearer: bob.access }), 'user_unknown', 'User not found');
  }
});

it('GET /auth/me shows the user', async () => {
  const answer = await call('GET', '/auth/me', { bearer: ann.access });
  expect([answer.status, answer.body]).toEqual([200, { user: userOf(ann) }]);
});

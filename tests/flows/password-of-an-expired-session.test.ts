import { afterAll, beforeAll, expect, it } from 'vitest';
import { isOnRedis } from '../testing/database.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, signUp } from '../testing/people.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.remove());

const call: Call = (method, path, sent) => httpClient(issuer.url)(method, path, sent);

// It makes a row of a session old by SQL.
it.skipIf(isOnRedis)('a password change that is refused because the session has expired changes nothing', async () => {
  const { person, access } = await signUp(call);
  await issuer.folder.database.change(
    'UPDATE sessions SET idle_expires_at_ms = created_at_ms, absolute_expires_at_ms = created_at_ms',
  );
  const body = { current_password: person.password, new_password: 'another horse battery' };
  const answer = await call('POST', '/auth/password', { bearer: access, body });
  expect(answer).toMatchObject({ status: 401, body: { code: 'token_revoked' } });
  expect((await login(call, person)).answer.status).toBe(200);
});

/** The cleanup as an operator meets it: on the issuer's schedule, with its metrics, and as a command beside it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sallyport } from '../start/testing/started.ts';
import { isOnRedis, rowCounts } from '../testing/database.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const folder = issuerFolder();
const { database } = folder;
let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer({ CLEANUP_INTERVAL_SECONDS: '1' }, folder);
});
afterAll(() => issuer.remove());

/** As if its time had come; waiting for it would take a week. */
const expire = (userId: string) =>
  database.change(`UPDATE sessions SET idle_expires_at_ms = 1 WHERE user_id = ${database.id(userId)}`);

// It makes rows of sessions old by SQL; of sessions in Redis storage/redis has its own test.
it.skipIf(isOnRedis)('removes what has expired, tells how much, and nothing that lives', async () => {
  const call = httpClient(issuer.url);
  const [gone, ended, alive] = [await signUp(call), await signUp(call), await signUp(call)];
  const refresh = (token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });
  await call('POST', '/auth/logout', { body: { refresh_token: ended.refresh } });
  await expire(gone.userId);
  expectProblem(await refresh(gone.refresh), 'refresh_expired', 'Refresh token expired');
  await expect.poll(async () => (await rowCounts(database)).sessions, { timeout: 4000 }).toBe(2);
  // Of a login of today the row is missing: whoever asks is told that the store has lost it, which here it has.
  expectProblem(await refresh(gone.refresh), 'session_lost', 'Refresh token not found or revoked');
  expectProblem(await refresh(ended.refresh), 'session_revoked');
  expect((await refresh(alive.refresh)).status).toBe(200);
  expect(await (await fetch(`${issuer.privateUrl}/metrics`)).text()).toMatch(
    /^sallyport_auth_cleanup_removed_total\{table="sessions"\} 1$/m,
  );
  await issuer.waitForLine(
    ({ msg, removed }) => msg === 'cleaned up' && JSON.stringify(removed).includes('"sessions":1'),
  );

  await issuer.stop();
  await expire(alive.userId);
  const env = folder.settings;
  const { stdout, stderr } = sallyport(['cleanup'], env);
  expect(stderr).toBe('');
  expect(stdout.split('\n').slice(0, 2)).toEqual(['Cleaned up 1 expired tokens', '  sessions     1']);

  const second = Buffer.alloc(32, 2).toString('base64url');
  const both = { ...env, SALLYPORT_ROOT_KEYS: `2:${second},${env['SALLYPORT_ROOT_KEYS']}` };
  expect(sallyport(['keys', 'roots'], both).stdout.split('\n').slice(0, 2)).toEqual([
    expect.stringMatching(/^2 +derives and seals: 0 sealed values, 0 sessions, /),
    expect.stringMatching(/^1 +may go: 0 sealed values, 0 sessions, /),
  ]);
});

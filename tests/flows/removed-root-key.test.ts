/** A root key that others may have is taken away in an emergency: what it derived ends, everybody else stays logged in. */
import { randomBytes } from 'node:crypto';
import { feedTokenOf, openMaintenance } from '@sallyport/auth/maintenance';
import { openRevocationFeed } from '@sallyport/verify';
import { expect, it, onTestFinished } from 'vitest';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const patience = { timeout: 20_000, interval: 50 } as const;
const newKey = (kid: number): string => `${kid}:${randomBytes(32).toString('base64url')}`;

const refresh = (issuer: Issuer, token: string): Promise<Answer> =>
  httpClient(issuer.url)('POST', '/auth/refresh', { body: { refresh_token: token } });
const rotated = async (issuer: Issuer, token: string): Promise<string> => {
  const answer = await refresh(issuer, token);
  expect([answer.status, answer.body['code']]).toEqual([200, undefined]);
  return String(answer.body['refresh_token']);
};
const sessionOf = (access: string): string => String(decodeToken(access).claims['sid']);

it('sessions of a removed root key end at once and everywhere, and no other does', async () => {
  const folder = issuerFolder();
  const own = { REFRESH_ROTATION: 'on', JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };
  const [stolen, fresh] = [newKey(1), newKey(2)];
  const roots = `${fresh},${stolen}`;
  const start = (keys: string): Promise<Issuer> => startIssuer({ ...own, SALLYPORT_ROOT_KEYS: keys }, folder);
  // As `sallyport keys roots remove` does it, on the host and beside the running issuer.
  const remove = async (kid: number) => {
    const maintenance = await openMaintenance({ ...folder.settings, ...own, SALLYPORT_ROOT_KEYS: roots });
    try {
      return await maintenance.removeRootKey(kid);
    } finally {
      await maintenance.close();
    }
  };

  const before = await start(stolen);
  const person = newPerson();
  const idle = await signUp(httpClient(before.url), person);
  const busy = await login(httpClient(before.url), person);
  await before.stop();

  const issuer = await start(roots);
  onTestFinished(() => issuer.remove());
  const busyNow = await rotated(issuer, busy.refresh);
  const later = await login(httpClient(issuer.url), person);
  const feed = openRevocationFeed({
    url: `${issuer.privateUrl}/v1/revocations`,
    token: feedTokenOf('a-service', { SALLYPORT_ROOT_KEYS: roots }),
    issuer: String(decodeToken(idle.access).claims['iss']),
  });
  onTestFinished(() => feed.close());
  const atService = (access: string) => {
    const { header, claims } = decodeToken(access);
    return feed.isRevoked({ ...claims, kid: header['kid'] } as unknown as Parameters<typeof feed.isRevoked>[0]);
  };
  await expect.poll(() => feed.isReady(), patience).toBe(true);
  const verify = async (bearer: string) => httpClient(issuer.url)('GET', '/auth/verify', { bearer });

  // What the first key derives would begin again: it has to give way first.
  expect(await remove(2)).toEqual({ kind: 'first' });
  for (const { access } of [idle, busy, later]) expect((await verify(access)).status).toBe(200);

  // Of the values only the key of the ring was sealed under it.
  expect(await remove(1)).toEqual({ kind: 'removed', sessions: 1, begunMeanwhile: 0, resealed: 1, unopened: 0 });
  expectProblem(await refresh(issuer, idle.refresh), 'session_revoked');
  expectProblem(await verify(idle.access), 'token_revoked');
  for (const { access } of [busy, later]) expect((await verify(access)).status).toBe(200);
  const laterNow = await rotated(issuer, later.refresh);

  await expect.poll(() => atService(idle.access), patience).toBe('revoked');
  for (const { access } of [busy, later]) expect(atService(access)).toBe('active');

  const told = async (sql: string) => (await folder.database.query(sql)).map((row) => Object.values(row).join(' '));
  await expect
    .poll(() => told("SELECT event_type, details FROM audit WHERE actor = 'admin' ORDER BY effect_id"), patience)
    .toEqual(['revoke {"cause":"key_removed"}', 'root_key_removed {"kid":"1","sessions":1}']);
  await expect
    .poll(() => told("SELECT data FROM outbox WHERE type = 'SESSION_ENDED'"), patience)
    .toEqual([expect.stringMatching(`(?=.*${sessionOf(idle.access)})(?=.*key_removed)`)]);

  // A second call finds nothing; the key can go, and nobody notices.
  expect(await remove(1)).toMatchObject({ sessions: 0, resealed: 0 });
  await issuer.stop();
  const after = await start(fresh);
  onTestFinished(() => after.stop());
  for (const token of [busyNow, laterNow]) await rotated(after, token);
});

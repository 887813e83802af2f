/** gateway.md: over REVOCATION_MAX_ENTRIES sessions of a user fold into a user entry, and nobody is logged out by it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { type LoggedIn, login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';

const maxEntries = 10;
let issuer: Issuer;
let gateway: ChildServer;
let upstream: RecordingUpstream;
let [direct, through]: Call[] = [];

beforeAll(async () => {
  const installation = newInstallation();
  upstream = await startRecordingUpstream();
  issuer = await startIssuer({ REVOCATION_MAX_ENTRIES: String(maxEntries) }, installation.folder);
  gateway = await startGateway(installation, {
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    USER_SERVICE_URL: upstream.url,
  });
  [direct, through] = [httpClient(issuer.url), httpClient(gateway.url)];
});
afterAll(async () => {
  await gateway.stop();
  await issuer.remove();
  upstream.close();
});

const at = (call: Call | undefined): Call => {
  if (call === undefined) throw new Error('not started');
  return call;
};
const profile = ({ access: bearer }: { readonly access: string }): Promise<Answer> =>
  at(through)('GET', '/api/v1/users/me', { bearer });
const refresh = ({ refresh: token }: LoggedIn): Promise<Answer> =>
  at(direct)('POST', '/auth/refresh', { body: { refresh_token: token } });
const logout = ({ refresh: token }: LoggedIn): Promise<Answer> =>
  at(direct)('POST', '/auth/logout', { body: { refresh_token: token } });

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const giveUpMs = performance.now() + 6000;
  while (!(await holds())) {
    if (performance.now() > giveUpMs) throw new Error(`not within 6 s: ${what}`);
    await sleep(20);
  }
};

it('folds them: what had ended stays refused, what lives is stale for one refresh, others notice nothing', async () => {
  const bystander = await signUp(at(direct));
  const first = await signUp(at(direct));
  const ended: LoggedIn[] = [first];
  while (ended.length <= maxEntries) ended.push(await login(at(direct), first.person));
  const live = await login(at(direct), first.person);
  await until('the gateway is ready', async () => (await profile(live)).status === 200);
  for (const session of ended) expect((await logout(session)).status).toBe(200);

  await until('the live session is stale', async () => (await profile(live)).body['code'] === 'token_stale');
  // A new snapshot has taken the place of the entries that were folded.
  const entries = () => readMetric(gateway.privateUrl, 'sallyport_gateway_revocation_entries');
  await until('the gateway holds one entry', async () => (await entries()) === 1);
  for (const session of ended) {
    expect(['token_stale', 'token_revoked']).toContain((await profile(session)).body['code']);
    expect((await refresh(session)).status).toBe(401);
  }
  expect((await profile(bystander)).status).toBe(200);

  const renewed = await refresh(live);
  expect(renewed.status).toBe(200);
  const access = String(renewed.body['access_token']);
  expect((await profile({ access })).status).toBe(200);
  expectProblem(await profile(live), 'token_stale');

  // A session that ends later is refused like any other.
  expect((await logout(live)).status).toBe(200);
  await until('the end of it is known', async () => (await profile({ access })).body['code'] === 'token_revoked');
});

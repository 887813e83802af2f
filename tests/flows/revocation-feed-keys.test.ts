/** gateway.md, typed entries: a removed key ends everything that it has signed, long before key sets are fetched again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';

const algorithm = { JWT_ALGORITHM: 'ES256', JWT_SECRET: '' };
const boundMs = 1000;
let installation: Installation;
let issuer: Issuer;
let gateway: ChildServer;
let upstream: RecordingUpstream;

beforeAll(async () => {
  installation = newInstallation();
  upstream = await startRecordingUpstream();
  issuer = await startIssuer(algorithm, installation.folder);
  gateway = await startGateway(installation, {
    ...algorithm,
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    USER_SERVICE_URL: upstream.url,
  });
});
afterAll(async () => {
  await gateway.stop();
  await issuer.remove();
  upstream.close();
});

const profile = (bearer: string): Promise<Answer> => httpClient(gateway.url)('GET', '/api/v1/users/me', { bearer });
const kidsOf = async (): Promise<readonly string[]> => {
  const { body } = await httpClient(issuer.url)('GET', '/.well-known/jwks.json');
  return (body['keys'] as readonly { readonly kid: string }[]).map(({ kid }) => kid);
};

it('is refused at the edge within the bound, though the key set that the gateway holds still has it', async () => {
  const who = await signUp(httpClient(issuer.url));
  const untilReadyMs = performance.now() + 5000;
  while ((await profile(who.access)).status !== 200) {
    if (performance.now() > untilReadyMs) throw new Error('not let in after 5 s');
    await sleep(20);
  }
  const kid = String(decodeToken(who.access).header['kid']);
  expect(await kidsOf()).toEqual([kid]);

  const maintenance = await openMaintenance({ ...installation.folder.settings, ...algorithm });
  expect(await maintenance.removeKey(kid)).toBe(true);
  await maintenance.close();
  const untilMs = performance.now() + boundMs;
  while ((await profile(who.access)).status === 200) {
    if (performance.now() > untilMs) throw new Error('still let in after the promised bound');
    await sleep(5);
  }
  expectProblem(await profile(who.access), 'token_revoked');

  // The issuer makes another one by itself, and nobody has lost his session.
  const untilNextMs = performance.now() + 5000;
  let [next] = await kidsOf();
  while (next === kid || next === undefined) {
    if (performance.now() > untilNextMs) throw new Error('no other key after 5 s');
    await sleep(20);
    [next] = await kidsOf();
  }
  const again = await login(httpClient(issuer.url), who.person);
  expect(decodeToken(again.access).header['kid']).toBe(next);
  // The gateway asked for the keys a moment ago, and would not ask again for half a minute; but it has heard of the removal.
  const untilKnownMs = performance.now() + 5000;
  while ((await profile(again.access)).status !== 200) {
    if (performance.now() > untilKnownMs) throw new Error('the key is not known at the edge after 5 s');
    await sleep(50);
  }
  const call = httpClient(issuer.url);
  expect((await call('POST', '/auth/refresh', { body: { refresh_token: who.refresh } })).status).toBe(200);
});

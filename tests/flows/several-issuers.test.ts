/** gateway.md, "Several issuers": keys, feeds and ids of one issuer are nothing to the tokens of another. Two real issuers, one gateway. */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { feedTokenOf } from '@sallyport/auth/maintenance';
import { createGuard } from '@sallyport/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildServer, startRefused } from '../testing/child-server.ts';
import { decodeToken, forgeText, hmacSigner } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { type LoggedIn, login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { mintToken, routeFile } from '../testing/route-file.ts';

const partnerName = 'https://partner.example';
const boundMs = 1000;

let installation: Installation;
let [own, partner]: Issuer[] = [];
let gateway: ChildServer;
let upstream: RecordingUpstream;
let [call, toOwn, toPartner]: Call[] = [];

const rule = { service: 'user-service', access: 'required', csrf: 'never' } as const;
const routes = (url: string) => ({
  version: 1,
  services: [{ id: 'user-service', url, plain: true }],
  routes: [
    { ...rule, path: '/own' },
    { ...rule, path: '/both', issuers: ['own', 'partner'], limits: { user: { perMinute: 600, burst: 300 } } },
    { ...rule, path: '/partner', issuers: ['partner'] },
    { ...rule, path: '/counted', issuers: ['own', 'partner'], limits: { user: { perMinute: 1, burst: 1 } } },
    { ...rule, path: '/csrf', issuers: ['own', 'partner'], csrf: 'always' },
  ],
});

const configFile = (issuers: readonly object[]): string => {
  const path = join(installation.folder.path, `gateway-${issuers.length}.json`);
  writeFileSync(path, JSON.stringify({ gateway: { issuers } }));
  return path;
};

const partnerRule = (): Readonly<Record<string, unknown>> => {
  const feedTokenFile = join(installation.folder.path, 'partner-feed-token');
  writeFileSync(feedTokenFile, `${feedTokenOf('their-gateway', partner?.folder.settings ?? {})}\n`);
  return {
    id: 'partner',
    issuer: partnerName,
    audience: 'sallyport',
    algorithm: 'ES256',
    jwksUrl: `${partner?.url}/.well-known/jwks.json`,
    feedUrl: partner?.privateUrl,
    feedTokenFile,
  };
};

const settingsOf = () => ({
  AUTH_SERVICE_URL: own?.url ?? '',
  REVOCATION_FEED_URL: own?.privateUrl ?? '',
  GATEWAY_ROUTES_FILE: routeFile(installation, routes(upstream.url)).path,
  SALLYPORT_CONFIG_FILE: configFile([partnerRule()]),
});

beforeAll(async () => {
  installation = newInstallation();
  upstream = await startRecordingUpstream();
  const folder = issuerFolder();
  [own, partner] = await Promise.all([
    startIssuer({}, installation.folder),
    startIssuer({ JWT_ALGORITHM: 'ES256', JWT_ISSUER: partnerName, JWT_SECRET: '' }, folder),
  ]);
  gateway = await startGateway(installation, settingsOf());
  [call, toOwn, toPartner] = [gateway.url, own.url, partner.url].map(httpClient);
  const readyByMs = performance.now() + 5000;
  while ((await get('/both', (await newcomers()).theirs.access)).status !== 200) {
    if (performance.now() > readyByMs) throw new Error('both issuers are not known after 5 s');
    await sleep(50);
  }
});
afterAll(async () => {
  await gateway.stop();
  upstream.close();
  await Promise.all([own?.remove(), partner?.remove()]);
});

const clientOf = (client: Call | undefined): Call => {
  if (client === undefined) throw new Error('not started');
  return client;
};
const get = (path: string, bearer: string): Promise<Answer> => clientOf(call)('GET', path, { bearer });
const newcomers = async (): Promise<{ ours: LoggedIn; theirs: LoggedIn }> => {
  const [ours, theirs] = await Promise.all([signUp(clientOf(toOwn)), signUp(clientOf(toPartner))]);
  return { ours, theirs };
};
const lastHeader = (name: string): string => String(upstream.received.at(-1)?.headers[name] ?? '');

/** What a service's guard makes of what came last. */
const lastCaller = () => {
  const { method = '', target = '', headers = {} } = upstream.received.at(-1) ?? {};
  const guard = createGuard({
    service: 'user-service',
    env: { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('user-service') },
  });
  const decision = guard.check({ method, target, values: (name) => [headers[name] ?? []].flat() });
  if (decision instanceof Promise || !decision.pass || decision.caller?.kind !== 'user') throw new Error('not passed');
  return decision.caller;
};

const refusedWithin = async (path: string, bearer: string): Promise<Answer> => {
  const untilMs = performance.now() + boundMs;
  for (;;) {
    const answer = await get(path, bearer);
    if (answer.status !== 200) return answer;
    if (performance.now() > untilMs) throw new Error('still let in after the promised bound');
    await sleep(5);
  }
};

describe('routes', () => {
  it('take the issuers that they name, and the own one where they name none', async () => {
    const { ours, theirs } = await newcomers();
    const statuses = async ({ access }: LoggedIn) => {
      const answers = [await get('/own', access), await get('/both', access), await get('/partner', access)];
      return answers.map(({ status, body }) => (status === 200 ? 200 : body['code']));
    };
    expect(await statuses(ours)).toEqual([200, 200, 'permission_denied']);
    expect(await statuses(theirs)).toEqual(['permission_denied', 200, 200]);
  });

  it("ask for CSRF tokens of the session's own issuer", async () => {
    const { theirs } = await newcomers();
    expectProblem(await clientOf(call)('POST', '/csrf', { bearer: theirs.access }), 'csrf_header_missing');
    // The partner's issuer has other CSRF keys than this gateway.
    const headers = { 'x-csrf-token': theirs.csrf, cookie: `csrf_token=${theirs.csrf}` };
    expectProblem(await clientOf(call)('POST', '/csrf', { bearer: theirs.access, headers }), 'csrf_mismatch');
  });
});

describe('a service', () => {
  it('is told whose user it is, under an id that no other issuer can give', async () => {
    const { ours, theirs } = await newcomers();
    await get('/both', theirs.access);
    const { sid } = decodeToken(theirs.access).claims;
    expect(lastCaller()).toMatchObject({
      userId: `partner|${theirs.userId}`,
      sessionId: `partner|${sid}`,
      issuer: partnerName,
    });
    const id = lastHeader('x-user-id');
    expect(id).toBe(`partner|${theirs.userId}`);
    const mac = createHmac('sha256', installation.gatewaySecret).update(`${id}:${theirs.person.email}`).digest('hex');
    expect(lastHeader('x-gateway-signature')).toBe(mac);
    await get('/both', ours.access);
    expect(lastCaller()).toMatchObject({ userId: ours.userId, issuer: 'auth-service' });
  });

  it("is never told of the own issuer's user by a token of another, whatever that writes into it", async () => {
    const { ours } = await newcomers();
    // The partner's own users table cannot be made to hold our id, so its name is forged under our key: it must fail first.
    const posing = mintToken(installation, { iss: partnerName, sub: ours.userId });
    expectProblem(await get('/both', posing), 'token_invalid');
    expectProblem(await get('/both', mintToken(installation, { sub: `partner|${ours.userId}` })), 'token_invalid');
  });
});

describe('keys', () => {
  it("of one issuer sign nothing in the other's name, also under the kid of the other", async () => {
    const { ours, theirs } = await newcomers();
    const secret = installation.gatewaySettings['JWT_SECRET'] ?? '';
    const [oursHeader, theirsHeader] = [decodeToken(ours.access).header, decodeToken(theirs.access).header];
    const claims = decodeToken(theirs.access).claims;
    for (const header of [oursHeader, { ...oursHeader, kid: theirsHeader['kid'] }, { ...theirsHeader, alg: 'HS256' }]) {
      const forged = forgeText(hmacSigner(secret), JSON.stringify(header), JSON.stringify(claims));
      expectProblem(await get('/both', forged), 'token_invalid');
    }
    // The signature of the one under the claims of the other.
    const [header, , signature] = theirs.access.split('.');
    const [, ownPayload] = ours.access.split('.');
    expectProblem(await get('/both', [header, ownPayload, signature].join('.')), 'token_invalid');
  });
});

describe('feeds', () => {
  it("end their own issuer's sessions within the bound, and nobody else's", async () => {
    const { ours, theirs } = await newcomers();
    expect((await get('/both', theirs.access)).status).toBe(200);
    await clientOf(toPartner)('POST', '/auth/logout', { body: { refresh_token: theirs.refresh } });
    expectProblem(await refusedWithin('/both', theirs.access), 'token_revoked');
    expect((await get('/both', ours.access)).status).toBe(200);
    const again = await login(clientOf(toPartner), theirs.person);
    expect((await get('/both', again.access)).status).toBe(200);
  });

  it('of one issuer cannot end a session of the other by naming it', async () => {
    const { theirs } = await newcomers();
    const { sid, sub } = decodeToken(theirs.access).claims;
    // One of ours with the very ids of one of theirs: the end of theirs is none of ours.
    const twin = mintToken(installation, { sid, sub });
    expect((await get('/both', twin)).status).toBe(200);
    await clientOf(toPartner)('POST', '/auth/logout', { body: { refresh_token: theirs.refresh } });
    expectProblem(await refusedWithin('/both', theirs.access), 'token_revoked');
    expect((await get('/both', twin)).status).toBe(200);
  });

  it("that are silent keep out their own issuer's tokens alone; the gateway stays ready", async () => {
    const { ours, theirs } = await newcomers();
    const dead = { ...partnerRule(), feedUrl: 'http://127.0.0.1:9' };
    const alone = await startGateway(installation, { ...settingsOf(), SALLYPORT_CONFIG_FILE: configFile([dead]) });
    const through = httpClient(alone.url);
    try {
      const untilMs = performance.now() + 5000;
      while ((await through('GET', '/ready')).status !== 200 && performance.now() < untilMs) await sleep(20);
      expect((await through('GET', '/both', { bearer: ours.access })).status).toBe(200);
      expectProblem(await through('GET', '/both', { bearer: theirs.access }), 'revocation_unavailable');
    } finally {
      await alone.stop();
    }
  });
});

it('limits count users of two issuers apart, also where both give one id', async () => {
  const { theirs } = await newcomers();
  const { sub } = decodeToken(theirs.access).claims;
  const twin = mintToken(installation, { sub });
  expect((await get('/counted', theirs.access)).status).toBe(200);
  expect((await get('/counted', theirs.access)).status).toBe(429);
  expect((await get('/counted', twin)).status).toBe(200);
});

it.each([
  ['the own issuer too', () => ({ issuer: 'auth-service' }), 'issuers holds auth-service, which is JWT_ISSUER'],
  [
    'a file that is not there',
    () => ({ feedTokenFile: '/nonexistent' }),
    'issuers.partner.feedTokenFile cannot be used',
  ],
])('a list that names %s refuses the start', async (_name, change, message) => {
  const settings = { ...settingsOf(), SALLYPORT_CONFIG_FILE: configFile([{ ...partnerRule(), ...change() }]) };
  const entry = import.meta.resolve('@sallyport/gateway/main');
  const { path } = installation.folder;
  const { exitCode, stderr } = await startRefused(entry, { ...installation.gatewaySettings, ...settings }, path);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(78);
});

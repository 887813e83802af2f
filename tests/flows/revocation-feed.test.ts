/** gateway.md, "Revocation without a call per request": what the issuer ends is refused at the edge, from memory. */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { feedTokenOf, openMaintenance } from '@sallyport/auth/maintenance';
import { createGuard, openRevocationFeed } from '@sallyport/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChildServer, Settings } from '../testing/child-server.ts';
import { decodeToken } from '../testing/forge.ts';
import { freePort } from '../testing/free-ports.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, setDisabled, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { type LoggedIn, login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { routeFile } from '../testing/route-file.ts';

const api = '/api/v1';
/** REVOCATION_BOUND: what is promised while all is healthy. */
const boundMs = 1000;

let installation: Installation;
let upstream: RecordingUpstream;
let issuerPorts: Settings;
let issuer: Issuer;
let gateway: ChildServer;
let call: Call;
const others: ChildServer[] = [];

const gatewayOf = async (settings: Settings = {}): Promise<ChildServer> =>
  startGateway(installation, {
    AUTH_SERVICE_URL: `http://127.0.0.1:${issuerPorts['AUTH_PORT']}`,
    REVOCATION_FEED_URL: `http://127.0.0.1:${issuerPorts['AUTH_PRIVATE_PORT']}`,
    USER_SERVICE_URL: upstream.url,
    ...settings,
  });
const startAgain = async (): Promise<void> => {
  issuer = await startIssuer(issuerPorts, installation.folder);
};

beforeAll(async () => {
  installation = newInstallation();
  const [port, privatePort] = [await freePort(), await freePort()];
  issuerPorts = {
    AUTH_PORT: String(port),
    AUTH_PRIVATE_PORT: String(privatePort),
    // A refresh token that comes again is reuse at once.
    REFRESH_ROTATION: 'on',
    REFRESH_OVERLAP_SECONDS: '0',
  };
  upstream = await startRecordingUpstream();
  await startAgain();
  gateway = await gatewayOf();
  call = httpClient(gateway.url);
});
afterEach(async () => {
  for (const server of others.splice(0)) await server.stop();
});
afterAll(async () => {
  await gateway.stop();
  upstream.close();
  await issuer.remove();
});

const profile = (bearer: string, through: Call = call): Promise<Answer> =>
  through('GET', `${api}/users/me`, { bearer });
const newcomer = (): Promise<LoggedIn> => signUp(call, undefined, api);

/** The first answer that is not 200, within the promised bound. */
const refusalOf = async (bearer: string, through: Call = call): Promise<Answer> => {
  const until = performance.now() + boundMs;
  for (;;) {
    const answer = await profile(bearer, through);
    if (answer.status !== 200) return answer;
    if (performance.now() > until) throw new Error('still let in after the promised bound');
    await sleep(5);
  }
};

const ready = async (server: ChildServer): Promise<void> => {
  const until = performance.now() + 5000;
  while ((await httpClient(server.url)('GET', '/ready')).status !== 200) {
    if (performance.now() > until) throw new Error('not ready after 5 s');
    await sleep(20);
  }
};

describe('refused at the edge within the bound:', () => {
  const asAdmin = async (act: (email: string) => Promise<void>, { person }: LoggedIn) => act(person.email);
  const password = 'a new and rather long passphrase';
  const ends: readonly (readonly [name: string, end: (who: LoggedIn) => Promise<unknown>])[] = [
    ['logout', (who) => call('POST', `${api}/auth/logout`, { body: { refresh_token: who.refresh } })],
    ['logout-all', (who) => call('POST', `${api}/auth/logout-all`, { bearer: who.access })],
    ['a disabled account', (who) => asAdmin((email) => setDisabled(installation.folder, email, true), who)],
    [
      'a changed password',
      (who) =>
        httpClient(issuer.url)('POST', '/auth/password', {
          bearer: who.access,
          body: { current_password: who.person.password, new_password: password },
        }),
    ],
    [
      'a session that its user ended in another one',
      async (who) => {
        const other = await login(call, who.person, api);
        const sid = String(decodeToken(who.access).claims['sid']);
        return call('DELETE', `${api}/auth/sessions/${sid}`, { bearer: other.access });
      },
    ],
    ['a deleted account', (who) => httpClient(issuer.url)('DELETE', '/auth/account', { bearer: who.access })],
    [
      'a refresh token that came twice',
      async ({ refresh }) => {
        const once = () => call('POST', `${api}/auth/refresh`, { body: { refresh_token: refresh } });
        expect((await once()).status).toBe(200);
        expectProblem(await once(), 'refresh_reused');
      },
    ],
  ];
  it.each(ends)('%s', async (_, end) => {
    const who = await newcomer();
    const bystander = await newcomer();
    expect((await profile(who.access)).status).toBe(200);
    const answer = (await end(who)) as Answer | undefined;
    if (answer !== undefined) expect(answer.status).toBe(200);
    expectProblem(await refusalOf(who.access), 'token_revoked', 'Invalid or expired token');
    expect((await profile(bystander.access)).status).toBe(200);
  });

  it('one session of several, and the others go on', async () => {
    const first = await newcomer();
    const second = await login(call, first.person, api);
    await call('POST', `${api}/auth/logout`, { body: { refresh_token: first.refresh } });
    expectProblem(await refusalOf(first.access), 'token_revoked');
    expect((await profile(second.access)).status).toBe(200);
  });

  it('changed roles: the token is stale, its holder refreshes and is in again with the new roles', async () => {
    const who = await newcomer();
    expect((await profile(who.access)).status).toBe(200);
    const maintenance = await openMaintenance(installation.folder.settings);
    await maintenance.setRoles(who.person.email, ['admin'], []);
    await maintenance.close();
    expectProblem(await refusalOf(who.access), 'token_stale');
    const renewed = await call('POST', `${api}/auth/refresh`, { body: { refresh_token: who.refresh } });
    expect((await profile(String(renewed.body['access_token']))).status).toBe(200);
    expect(upstream.received.at(-1)?.headers['x-roles']).toBe('admin');
  });
});

describe('a gateway that cannot know', () => {
  it('lets nobody in before its first snapshot, and then at once; what was revoked while it was away is refused', async () => {
    const [kept, ended] = [await newcomer(), await newcomer()];
    await httpClient(issuer.url)('POST', '/auth/logout', { body: { refresh_token: ended.refresh } });
    await issuer.stop();
    const late = await gatewayOf();
    others.push(late);
    const through = httpClient(late.url);
    expectProblem(await profile(kept.access, through), 'revocation_unavailable');
    expectProblem(await through('GET', '/ready'), 'not_ready');
    await startAgain();
    await ready(late);
    expect((await profile(kept.access, through)).status).toBe(200);
    expectProblem(await profile(ended.access, through), 'token_revoked');
  });

  it('goes on with what it knows while the feed is cut, up to the staleness limit, then as each route says; it tells and recovers by itself', async () => {
    const rule = { service: 'user-service', access: 'required' };
    const file = routeFile(installation, {
      version: 1,
      routes: [
        { ...rule, path: `${api}/users/*` },
        { ...rule, path: '/open', whenRevocationUnknown: 'accept' },
      ],
    });
    const limits = { REVOCATION_MAX_STALENESS_SECONDS: '3', GATEWAY_ROUTES_FILE: file.path };
    const impatient = await gatewayOf(limits);
    others.push(impatient);
    const through = httpClient(impatient.url);
    const open = (bearer: string) => through('GET', '/open', { bearer });
    const [kept, ended] = [await newcomer(), await newcomer()];
    await call('POST', `${api}/auth/logout`, { body: { refresh_token: ended.refresh } });
    await ready(impatient);
    expectProblem(await refusalOf(ended.access, through), 'token_revoked');
    await issuer.stop();
    expect((await profile(kept.access, through)).status).toBe(200);
    await impatient.waitForLine(({ msg }) => msg === 'revocations are not heard within the bound');
    expect(await readMetric(impatient.privateUrl, 'sallyport_gateway_revocation_bound_broken')).toBe(1);
    expect((await profile(kept.access, through)).status).toBe(200);
    await sleep(3500);
    expectProblem(await profile(kept.access, through), 'revocation_unavailable');
    // The one route that accepts it goes on, with what is known.
    expect((await open(kept.access)).status).toBe(200);
    for (const answer of [await profile(ended.access, through), await open(ended.access)]) {
      expectProblem(answer, 'token_revoked');
    }
    await startAgain();
    await ready(impatient);
    expect((await profile(kept.access, through)).status).toBe(200);
    await impatient.waitForLine(({ msg }) => msg === 'revocations are heard again within the bound');
  });
});

describe('a service that subscribes', () => {
  it('refuses the assertion of a session that ended after it was signed, within the bound, and is not ready before its snapshot', async () => {
    const env = { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('user-service') };
    const who = await newcomer();
    expect((await profile(who.access)).status).toBe(200);
    const { method = '', target = '', headers = {} } = upstream.received.at(-1) ?? {};
    const revocations = openRevocationFeed({
      url: `${issuer.privateUrl}/v1/revocations`,
      token: feedTokenOf('user-service', installation.folder.settings),
      issuer: 'auth-service',
    });
    // Nothing can have been heard in the same turn.
    expect(revocations.isReady()).toBe(false);
    const guard = createGuard({ service: 'user-service', env, revocations });
    const judge = async (): Promise<string> => {
      const decision = await guard.check({ method, target, values: (name) => [headers[name] ?? []].flat() });
      return decision.pass ? 'ok' : String(JSON.parse(decision.answer.body).code);
    };
    try {
      await expect.poll(() => revocations.isReady(), { timeout: 2000 }).toBe(true);
      expect(await judge()).toBe('ok');
      await call('POST', `${api}/auth/logout`, { body: { refresh_token: who.refresh } });
      await expect.poll(judge, { timeout: boundMs, interval: 5 }).toBe('token_revoked');
    } finally {
      await revocations.close();
    }
  });
});

describe('connections that live on', () => {
  /** A service that answers with an event stream that never ends. */
  const startStream = async () => {
    const server = createServer((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: hello\n\n');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: () => {
        server.closeAllConnections();
        server.close();
      },
    };
  };
  const openStream = async (server: ChildServer, bearer: string) => {
    const request = get(`${server.url}${api}/users/events`, { headers: { authorization: `Bearer ${bearer}` } });
    const [response] = await once(request, 'response');
    await once(response, 'data');
    const ended = new Promise<number>((resolve) => response.once('close', () => resolve(performance.now())));
    response.on('error', () => undefined);
    return { status: response.statusCode as number, ended };
  };

  it('are cut at logout, and only those of the session that ended', async () => {
    const stream = await startStream();
    const streaming = await gatewayOf({ USER_SERVICE_URL: stream.url });
    others.push(streaming);
    await ready(streaming);
    const [who, bystander] = [await newcomer(), await newcomer()];
    const open = await openStream(streaming, who.access);
    const untouched = await openStream(streaming, bystander.access);
    expect([open.status, untouched.status]).toEqual([200, 200]);
    const startedMs = performance.now();
    await call('POST', `${api}/auth/logout`, { body: { refresh_token: who.refresh } });
    expect((await open.ended) - startedMs).toBeLessThan(boundMs);
    expect(await Promise.race([untouched.ended, sleep(200, 'still open')])).toBe('still open');
    stream.close();
  });

  it('are cut when their token expires', async () => {
    const stream = await startStream();
    // The gateway's clock is so far ahead that the token of a quarter of an hour has two seconds left.
    const streaming = await gatewayOf({
      USER_SERVICE_URL: stream.url,
      CLOCK_LEEWAY_SECONDS: '0',
      SALLYPORT_CLOCK_OFFSET_SECONDS: '898',
    });
    others.push(streaming);
    await ready(streaming);
    const who = await newcomer();
    const startedMs = performance.now();
    const open = await openStream(streaming, who.access);
    const livedMs = (await open.ended) - startedMs;
    expect(livedMs).toBeLessThan(3500);
    stream.close();
  });
});

describe('the feed itself', () => {
  const path = '/v1/revocations';
  it('stands on the private listener alone', async () => {
    for (const door of [httpClient(issuer.url), call]) expect((await door('GET', path)).status).toBe(404);
    expect((await call('GET', `${api}/auth${path}`)).status).toBe(404);
  });

  it('is open to holders of a token that was made for a subscriber, and to nobody else', async () => {
    const feed = httpClient(issuer.privateUrl);
    const token = feedTokenOf('api-gateway', installation.folder.settings);
    const foreign = feedTokenOf('api-gateway', {
      SALLYPORT_ROOT_KEYS: `1:${Buffer.alloc(32, 7).toString('base64url')}`,
    });
    const { access } = await newcomer();
    for (const bearer of [undefined, 'x', foreign, access, token.replace('api-gateway', 'api-gatewax')]) {
      expectProblem(await feed('GET', path, bearer === undefined ? {} : { bearer }), 'token_invalid');
    }
  });

  it('answers an unknown cursor with a reset, and a known one with what came after it', async () => {
    const token = feedTokenOf('a-service', installation.folder.settings);
    const read = async (headers: Record<string, string>): Promise<string> => {
      const request = get(`${issuer.privateUrl}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
      const [response] = await once(request, 'response');
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      while (!/event: synced\n.*\n.*\n\n/.test(text)) await sleep(10);
      request.destroy();
      return text;
    };
    const first = await read({});
    expect(first).toContain('event: reset');
    const [cursor = ''] = [...first.matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? '').reverse();
    const who = await newcomer();
    await call('POST', `${api}/auth/logout`, { body: { refresh_token: who.refresh } });
    const second = await read({ 'last-event-id': cursor });
    expect(second).not.toContain('event: reset');
    expect(second.match(/"kind":"session"/g)).toHaveLength(1);
    for (const unknown of ['nonsense', `another-store.${cursor.split('.')[1]}`, `${cursor.split('.')[0]}.999999999`]) {
      expect(await read({ 'last-event-id': unknown }), unknown).toContain('event: reset');
    }
  });
});

/** product.md, GATEWAY_WORKERS: several threads serve one port, and are one gateway to everybody. */
import { randomInt } from 'node:crypto';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRedisMissing, startRedis } from '@sallyport/storage/redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ChildServer, type Settings, startRefused } from '../testing/child-server.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { signUp } from '../testing/people.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { mintToken, type RouteFileOnDisk, routeFile } from '../testing/route-file.ts';

const burst = 10;
const common = {
  GATEWAY_WORKERS: '2',
  TRUSTED_PROXIES: '127.0.0.1',
  FLOOD_LIMIT_PER_MINUTE: '6',
  FLOOD_LIMIT_BURST: String(burst),
  NODE_OPTIONS: `--import=${import.meta.resolve('../testing/end-a-worker.ts')}`,
};
const users = '/api/v1/users';
const routesWith = (status: 'required' | 'public') => ({
  version: 1,
  routes: [
    { path: '/api/v1/auth/*', service: 'auth-service', access: 'public', stripPrefix: '/api/v1' },
    { path: `${users}/*`, service: 'user-service', access: 'required', stripPrefix: '/api/v1' },
    { path: `${users}/changing`, service: 'user-service', access: status, stripPrefix: '/api/v1' },
  ],
});

interface Reply {
  readonly status: number;
  readonly text: string;
}

interface Asking {
  readonly bearer?: string;
  /** Default: another one each time. */
  readonly address?: string;
  readonly agent?: Agent | false;
}

/** A connection of its own for each: the system spreads connections over the threads. */
const ask = ({ url }: ChildServer, path: string, { bearer, address, agent = false }: Asking = {}): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const headers = {
      'x-forwarded-for': address ?? `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`,
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    };
    const outgoing = request(`${url}${path}`, { headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject).once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.once('error', reject).end();
  });

const askOften = (gateway: ChildServer, times: number, path: string, how?: Asking) =>
  Promise.all(Array.from({ length: times }, () => ask(gateway, path, how)));

const statusesOf = (replies: readonly Reply[]): readonly number[] =>
  [...new Set(replies.map(({ status }) => status))].sort((a, b) => a - b);

/** So many connections that none of two threads is left out but once in a million times. */
const spread = 24;

let installation: Installation;
let issuer: Issuer;
let upstream: RecordingUpstream;
let file: RouteFileOnDisk;
let gateway: ChildServer;

beforeAll(async () => {
  installation = newInstallation();
  upstream = await startRecordingUpstream();
  issuer = await startIssuer(
    { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('auth-service') },
    installation.folder,
  );
  file = routeFile(installation, routesWith('required'));
  gateway = await startGateway(installation, {
    ...common,
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    USER_SERVICE_URL: upstream.url,
    GATEWAY_ROUTES_FILE: file.path,
  });
  await vi.waitUntil(async () => (await ask(gateway, '/ready')).status === 200, 5000);
});
afterAll(async () => {
  await gateway.stop();
  upstream.close();
  await issuer.remove();
});

const requestsOf = (worker: number): Promise<number> =>
  readMetric(gateway.privateUrl, 'sallyport_gateway_worker_requests', `{worker="${worker}"}`);

const healthAnswers = (): Promise<number> =>
  readMetric(gateway.privateUrl, 'sallyport_gateway_requests_total', '{route="/health",status="2xx",decision="pass"}');

describe('two workers', () => {
  it('both serve, and their metrics add up', async () => {
    const before = [await requestsOf(1), await requestsOf(2)];
    const answered = await healthAnswers();
    expect(statusesOf(await askOften(gateway, spread, '/health'))).toEqual([200]);
    await vi.waitUntil(async () => (await healthAnswers()) === answered + spread, 2000);
    const served = [(await requestsOf(1)) - (before[0] ?? 0), (await requestsOf(2)) - (before[1] ?? 0)];
    expect(served[0]).toBeGreaterThan(0);
    expect(served[1]).toBeGreaterThan(0);
    expect((served[0] ?? 0) + (served[1] ?? 0)).toBe(spread);
    const text = await (await fetch(`${gateway.privateUrl}/metrics`)).text();
    // Of the process, not of each thread.
    expect(text.match(/^process_resident_memory_bytes /gm)).toHaveLength(1);
    expect(await readMetric(gateway.privateUrl, 'process_resident_memory_bytes')).toBeLessThan(700_000_000);
    expect(await readMetric(gateway.privateUrl, 'sallyport_gateway_revocation_ready')).toBe(1);
  });

  it('let exactly the limit through together, of one address and of one /64', async () => {
    const replies = await askOften(gateway, 120, '/health', { address: '192.0.2.7' });
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(burst);
    const network = await Promise.all(
      Array.from({ length: 60 }, (_, at) => ask(gateway, '/health', { address: `2001:db8:0:7::${at + 1}` })),
    );
    expect(network.filter(({ status }) => status === 200)).toHaveLength(burst);
  });

  it('both refuse a session that has ended, within the bound', async () => {
    const call = httpClient(issuer.url);
    const { access: bearer, refresh } = await signUp(call);
    expect(statusesOf(await askOften(gateway, spread, `${users}/me`, { bearer }))).toEqual([200]);
    await call('POST', '/auth/logout', { body: { refresh_token: refresh } });
    const began = performance.now();
    await vi.waitUntil(async () => statusesOf(await askOften(gateway, 4, `${users}/me`, { bearer })).join() === '401', {
      timeout: 1000,
      interval: 10,
    });
    expect(performance.now() - began).toBeLessThan(1000);
    expect(statusesOf(await askOften(gateway, spread, `${users}/me`, { bearer }))).toEqual([401]);
  });

  it('take over the same routes, or both keep those before', async () => {
    const reloads = () => gateway.logLines().filter(({ msg }) => msg === 'routes reloaded').length;
    expect(statusesOf(await askOften(gateway, spread, `${users}/changing`))).toEqual([401]);
    const before = reloads();
    file.replace(routesWith('public'));
    await vi.waitUntil(() => reloads() > before, 4000);
    expect(statusesOf(await askOften(gateway, spread, `${users}/changing`))).toEqual([200]);
    file.replace('routes: {');
    gateway.signal('SIGHUP');
    await gateway.waitForLine(({ msg }) => msg === 'the routes before it stay in force');
    expect(statusesOf(await askOften(gateway, spread, `${users}/changing`))).toEqual([200]);
  });

  it('go on when one of them dies; another takes its place, with the routes and limits of now', async () => {
    const counted = await healthAnswers();
    const limited = { address: '192.0.2.8' };
    await askOften(gateway, 2 * burst, '/health', limited);
    gateway.signal('SIGUSR2');
    await gateway.waitForLine(({ msg }) => String(msg).startsWith('a worker ended'));
    const during: number[] = [];
    const isBack = () => gateway.logLines().some(({ msg }) => msg === 'a worker serves again');
    const until = performance.now() + 5000;
    while (!isBack() && performance.now() < until) during.push((await ask(gateway, '/ready')).status);
    expect([isBack(), [...new Set(during)]]).toEqual([true, [200]]);
    const before = [await requestsOf(1), await requestsOf(2)];
    expect(statusesOf(await askOften(gateway, spread, `${users}/changing`))).toEqual([200]);
    await vi.waitUntil(
      async () => (await requestsOf(1)) > (before[0] ?? 0) && (await requestsOf(2)) > (before[1] ?? 0),
    );
    expect(statusesOf(await askOften(gateway, spread, '/health', limited))).toEqual([429]);
    expect(await healthAnswers()).toBeGreaterThanOrEqual(counted);
    expect(await readMetric(gateway.privateUrl, 'sallyport_gateway_worker_restarts')).toBe(1);
  });

  it('write whole lines', () => {
    const lines = gateway.output().trim().split('\n');
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });
});

const slowUpstream = async (afterMs: number) => {
  const server = createServer((_, res) => {
    setTimeout(() => res.end('{}'), afterMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const startOwn = async (settings: Settings): Promise<ChildServer> => {
  const { path } = routeFile(newInstallation(installation.folder), routesWith('required'));
  const own = await startGateway(installation, { ...common, GATEWAY_ROUTES_FILE: path, ...settings });
  onTestFinished(() => own.stop());
  return own;
};

it('SIGTERM under load loses no accepted request', async () => {
  const own = await startOwn({ USER_SERVICE_URL: await slowUpstream(150), FLOOD_LIMIT_PER_MINUTE: '0' });
  const bearer = mintToken(installation);
  const lost: string[] = [];
  let answered = 0;
  let stopBegan = Number.POSITIVE_INFINITY;
  // Each keeps its connection, and goes on until nobody takes a new one.
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (let goesOn = true; goesOn; ) {
      const began = performance.now();
      const outcome = await ask(own, `${users}/me`, { bearer, agent }).then(
        ({ status }) => String(status),
        (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown'),
      );
      if (outcome === '200') answered += 1;
      else goesOn = false;
      if (outcome !== '200' && began < stopBegan) lost.push(outcome);
    }
  };
  const clients = Array.from({ length: 30 }, client);
  await vi.waitUntil(() => answered > 60);
  stopBegan = performance.now();
  await Promise.all([own.stop(), ...clients]);
  expect(performance.now() - stopBegan).toBeLessThan(5000);
  expect(lost).toEqual([]);
  expect(own.logLines().at(-1)).toMatchObject({ msg: 'stopped' });
});

it.skipIf(isRedisMissing())('workers agree with another gateway as one', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const settings = { USER_SERVICE_URL: upstream.url, REDIS_URL: redis.url };
  const [two, one] = await Promise.all([startOwn(settings), startOwn({ ...settings, GATEWAY_WORKERS: '1' })]);
  const toldOf = (each: ChildServer) => readMetric(each.privateUrl, 'sallyport_gateway_limits_requests_told');
  const address = '192.0.2.9';
  const replies = await askOften(two, 60, '/health', { address });
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(burst);
  await vi.waitUntil(async () => (await toldOf(two)) === burst, 3000);
  expect((await ask(one, '/health', { address })).status).toBe(200);
  await vi.waitUntil(async () => (await toldOf(one)) === 1, 3000);
  expect(statusesOf(await askOften(one, 5, '/health', { address }))).toEqual([429]);
  // The other way round: what the one has let through, both threads of the other know.
  const other = { address: '192.0.2.10' };
  const before = { one: await toldOf(one), two: await toldOf(two) };
  await askOften(one, burst, '/health', other);
  await vi.waitUntil(async () => (await toldOf(one)) === before.one + burst, 3000);
  expect((await ask(two, '/health', other)).status).toBe(200);
  await vi.waitUntil(async () => (await toldOf(two)) > before.two, 3000);
  expect(statusesOf(await askOften(two, spread, '/health', other))).toEqual([429]);
});

it('a start is refused where a worker cannot start', async () => {
  const { folder, gatewaySettings } = installation;
  const taken = new URL(issuer.url).port;
  const env = { ...gatewaySettings, REVOCATION_FEED: 'off', GATEWAY_WORKERS: '2', GATEWAY_PORT: taken };
  const main = import.meta.resolve('@sallyport/gateway/main');
  const busy = await startRefused(main, env, folder.path);
  expect([busy.exitCode, busy.stderr]).toEqual([1, expect.stringMatching(`port ${taken} on 127.0.0.1 is in use`)]);
  const wrong = await startRefused(main, { ...env, GATEWAY_WORKERS: '0' }, folder.path);
  expect([wrong.exitCode, wrong.stderr]).toEqual([78, expect.stringMatching(/^GATEWAY_WORKERS must match/)]);
});

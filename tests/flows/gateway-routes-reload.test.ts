/** The route file changes while requests are under way. */
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ChildServer, startRefused } from '../testing/child-server.ts';
import { readMetric } from '../testing/metrics.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { mintToken, type RouteFileOnDisk, routeFile } from '../testing/route-file.ts';

interface SlowService {
  readonly server: Server;
  readonly url: string;
  connections: number;
}

/** Answers after up to 15 ms, so that a change always meets requests under way. */
const startSlowService = async (): Promise<SlowService> => {
  const server = createServer((_, res) => void setTimeout(() => res.end('ok'), Math.random() * 15));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const service = { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: 0 };
  server.on('connection', () => {
    service.connections += 1;
  });
  return service;
};

const clients = 8;
const changes = 50;
const agent = new Agent({ keepAlive: true, maxSockets: clients });
let installation: Installation;
let file: RouteFileOnDisk;
let gateway: ChildServer;
let [kept, one, two]: (SlowService | undefined)[] = [];

/** `/moving/*` goes to another service each time, `/kept/*` to the same; `/version/<n>` is there in the nth table alone. */
const table = (n: number) => ({
  version: 1,
  services: [
    { id: 'kept', url: kept?.url },
    n % 2 === 0 ? { id: 'moving', url: one?.url } : { id: 'moving', url: two?.url, timeoutSeconds: 1 + n },
    ...(n % 3 === 0 ? [{ id: `gone-${n}`, url: one?.url }] : []),
  ],
  routes: [
    { path: '/kept/*', service: 'kept', access: 'required' },
    { path: '/moving/*', service: 'moving', access: n % 2 === 0 ? 'required' : 'optional' },
    { path: `/version/${n}`, service: 'kept', access: 'public' },
    ...(n % 3 === 0 ? [{ path: '/gone/*', service: `gone-${n}`, access: 'public' }] : []),
  ],
});

const get = (path: string, token?: string): Promise<number | string> =>
  new Promise((resolve) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { hostname, port } = new URL(gateway.url);
    const outgoing = request({ hostname, port, path, headers, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', (error) => resolve(error.message));
    });
    outgoing.on('error', (error) => resolve(error.message));
    outgoing.end();
  });

const inForce = async (n: number): Promise<void> => {
  for (const until = Date.now() + 10_000; Date.now() < until; await sleep(5)) {
    if ((await get(`/version/${n}`)) === 200) return;
  }
  throw new Error(`the table ${n} did not come into force`);
};

beforeAll(async () => {
  installation = newInstallation();
  [kept, one, two] = await Promise.all([startSlowService(), startSlowService(), startSlowService()]);
  file = routeFile(installation, table(0));
  gateway = await startGateway(installation, { GATEWAY_ROUTES_FILE: file.path });
});
afterAll(async () => {
  agent.destroy();
  await gateway.stop();
  for (const service of [kept, one, two]) {
    service?.server.closeAllConnections();
    service?.server.close();
  }
});

it(`${changes} changes under load: every request is answered by its service, and connections that stay are kept`, async () => {
  const token = mintToken(installation);
  const outcomes = new Map<number | string, number>();
  let running = true;
  const client = async (path: string): Promise<void> => {
    while (running) {
      const outcome = await get(path, token);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  const load = Array.from({ length: clients - 1 }, (_, at) => client(at % 2 === 0 ? '/kept/a' : '/moving/a'));
  for (let n = 1; n <= changes; n += 1) {
    file.replace(table(n));
    // One by watching the file, one by being told.
    if (n % 2 === 0) gateway.signal('SIGHUP');
    await inForce(n);
  }
  running = false;
  await Promise.all(load);
  expect([...outcomes.keys()]).toEqual([200]);
  expect(outcomes.get(200)).toBeGreaterThan(changes * clients);
  expect(kept?.connections).toBeLessThanOrEqual(clients);
  expect(await readMetric(gateway.privateUrl, 'sallyport_gateway_route_reloads')).toBeGreaterThanOrEqual(changes);
}, 60_000);

it('a bad file leaves the table as it is, and says everything that is wrong', async () => {
  file.replace(table(changes + 1));
  await inForce(changes + 1);
  file.replace(`version: 1
services: [{ id: kept, url: "${kept?.url}" }]
routes:
  - { path: /kept/*, service: kpt, access: required }
  - { path: /kept/*, service: kept, access: public }
`);
  gateway.signal('SIGHUP');
  await gateway.waitForLine(({ problem }) => String(problem).includes('routes.yaml:4:22: routes[0].service names kpt'));
  await gateway.waitForLine(({ problem }) =>
    String(problem).includes('routes.yaml:5:5: routes[1] overlaps with routes[0]'),
  );
  expect([await get('/kept/a'), await get(`/version/${changes + 1}`)]).toEqual([401, 200]);
  const metric = (name: string) => readMetric(gateway.privateUrl, `sallyport_gateway_${name}`);
  expect(await metric('routes_current')).toBe(0);
  file.replace('routes: [');
  await gateway.waitForLine(({ problem }) => String(problem).includes('routes.yaml:1:10: Flow sequence'));
  expect(await get('/kept/a', mintToken(installation))).toBe(200);
  file.replace(table(changes + 2));
  await inForce(changes + 2);
  expect([await metric('routes_current'), (await metric('route_reloads_refused')) > 1]).toEqual([1, true]);
});

it('a bad file refuses the start, all problems at once', async () => {
  const bad = newInstallation();
  const { path } = routeFile(bad, 'version: 1\nroutes:\n  - { path: /a, service: x, access: nobody, acces: x }\n');
  const env = { ...bad.gatewaySettings, REVOCATION_FEED: 'off', GATEWAY_ROUTES_FILE: path };
  const { exitCode, stderr } = await startRefused(import.meta.resolve('@sallyport/gateway/main'), env, bad.folder.path);
  expect(exitCode).toBe(78);
  expect(stderr).toContain('routes.yaml:3:29: routes[0].access must be public, optional or required');
  expect(stderr).toContain('routes.yaml:3:45: routes[0].acces is not known; did you mean access?');
});

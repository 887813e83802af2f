/** Servers of a service die, hang and come back while requests are under way. */
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChildServer } from '../testing/child-server.ts';
import { readMetric } from '../testing/metrics.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { routeFile } from '../testing/route-file.ts';

interface Target {
  readonly url: string;
  served: number;
  mode: 'answers' | 'hangs' | 'is unwell';
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A server that can die as a process does: every connection is reset, and nobody listens any more. */
const startTarget = async (): Promise<Target> => {
  const sockets = new Set<Socket>();
  let server = createServer();
  const listen = async (port: number): Promise<void> => {
    server = createServer((req, res) => {
      if (req.url === '/health') return void res.writeHead(target.mode === 'answers' ? 200 : 503).end();
      if (target.mode === 'hangs') return;
      target.served += 1;
      req.resume();
      setTimeout(() => res.end('ok'), Math.random() * 8);
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
  };
  const kill = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  let port = 0;
  const target: Target = { url: '', served: 0, mode: 'answers', kill, restart: () => listen(port) };
  await listen(port);
  ({ port } = server.address() as AddressInfo);
  return Object.assign(target, { url: `http://127.0.0.1:${port}` });
};

interface Answer {
  readonly method: string;
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: string | undefined;
}

let gateway: ChildServer;
let targets: Target[];
const agent = new Agent({ keepAlive: true });

const ask = (path: string, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    const began = performance.now();
    const outgoing = request({ hostname, port, path, method, agent }, (response) => {
      const { statusCode: status = 0, headers } = response;
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        resolve({ method, status, ms: performance.now() - began, retryAfter: headers['retry-after'] }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(method === 'POST' ? 'a body' : undefined);
  });

/** Clients that ask without a pause until they are told to stop; then all that they were answered. */
const load = (path: string, methods: readonly string[]) => {
  const answers: Answer[] = [];
  let isRunning = true;
  const client = async (method: string): Promise<void> => {
    while (isRunning) answers.push(await ask(path, method));
  };
  const clients = methods.map(client);
  const stop = async (): Promise<readonly Answer[]> => {
    isRunning = false;
    await Promise.all(clients);
    return answers;
  };
  return { answers, stop };
};

const statuses = (answers: readonly Answer[]): number[] =>
  [...new Set(answers.map(({ status }) => status))].sort((a, b) => a - b);

const metric = (name: string, service: string, target: number): Promise<number> =>
  readMetric(gateway.privateUrl, `sallyport_gateway_upstream_${name}`, `{service="${service}",target="${target}"}`);

/** Out, and told so: a series that is missing reads as 0 too. */
const state = async (service: string, target: number): Promise<readonly number[]> => [
  await metric('target_in', service, target),
  await metric('ejections_total', service, target),
];
const ejectedOnce = [0, 1];

const soon = { timeout: 5000, interval: 20 };
const gets = Array.from({ length: 6 }, () => 'GET');
const posts = Array.from({ length: 3 }, () => 'POST');

beforeAll(async () => {
  const installation = newInstallation();
  targets = await Promise.all([startTarget(), startTarget(), startTarget(), startTarget(), startTarget()]);
  const urls = targets.map(({ url }) => url);
  const { path } = routeFile(installation, {
    version: 1,
    services: [
      { id: 'pair', url: urls.slice(0, 2) },
      // The same two; a busy machine must not look like one that hangs.
      { id: 'slow', url: urls.slice(0, 2), timeoutSeconds: 0.3 },
      { id: 'alone', url: urls.slice(2, 3) },
      { id: 'asked', url: urls.slice(3), health: { path: '/health', intervalSeconds: 0.1, failures: 2 } },
    ],
    routes: ['pair', 'slow', 'alone', 'asked'].map((service) => ({ path: `/${service}/*`, service, access: 'public' })),
  });
  gateway = await startGateway(installation, { GATEWAY_ROUTES_FILE: path, FLOOD_LIMIT_PER_MINUTE: '0' });
});
afterAll(async () => {
  agent.destroy();
  await gateway.stop();
  await Promise.all(targets.map(({ kill }) => kill()));
});
beforeEach(() => {
  for (const target of targets) target.served = 0;
});

const targetAt = (at: number): Target => {
  const target = targets[at];
  if (target === undefined) throw new Error(`there is no target ${at}`);
  return target;
};

describe('one of two servers', () => {
  it('dies under load: no GET fails, of the POSTs only those that it had; it comes back by itself', async () => {
    const victim = targetAt(0);
    const { answers, stop } = load('/pair/a', [...gets, ...posts]);
    await expect.poll(() => Math.min(victim.served, targetAt(1).served), soon).toBeGreaterThan(50);
    await victim.kill();
    await expect.poll(() => state('pair', 0), soon).toEqual(ejectedOnce);
    const before = answers.length;
    await expect.poll(() => answers.length, soon).toBeGreaterThan(before + 200);
    await victim.restart();
    victim.served = 0;
    await expect.poll(() => victim.served, soon).toBeGreaterThan(50);
    const all = await stop();
    expect(statuses(all.filter(({ method }) => method === 'GET'))).toEqual([200]);
    const failed = all.filter(({ status }) => status !== 200);
    expect(statuses(failed).filter((status) => status !== 502)).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(posts.length);
    expect([await state('pair', 0), await state('pair', 1)]).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });

  it('hangs under load: it gets no more requests but one at a time to try it, and comes back', async () => {
    const victim = targetAt(1);
    victim.mode = 'hangs';
    const { answers, stop } = load('/slow/a', gets);
    await expect.poll(() => state('slow', 1), soon).toEqual(ejectedOnce);
    // Those that were on it with the one that took it out.
    await sleep(400);
    const before = answers.length;
    await sleep(500);
    const late = answers.slice(before).filter(({ status }) => status !== 200);
    expect(late.length).toBeLessThanOrEqual(1);
    expect(answers.length - before).toBeGreaterThan(100);
    victim.mode = 'answers';
    victim.served = 0;
    await expect.poll(() => victim.served, soon).toBeGreaterThan(50);
    expect(statuses(await stop())).toEqual([200, 504]);
  });
});

describe('the only server', () => {
  it('dies under load: 502 at once and with Retry-After, and nothing else; it is there again within a second', async () => {
    const victim = targetAt(2);
    const { answers, stop } = load('/alone/a', [...gets, ...posts]);
    await expect.poll(() => victim.served, soon).toBeGreaterThan(50);
    await victim.kill();
    await expect.poll(() => state('alone', 0), soon).toEqual(ejectedOnce);
    const from = answers.length;
    await sleep(700);
    const down = answers.slice(from);
    expect(down.length).toBeGreaterThan(100);
    expect(Math.max(...down.map(({ ms }) => ms))).toBeLessThan(1000);
    expect(down.filter(({ retryAfter }) => retryAfter === '1').length).toBeGreaterThan(down.length * 0.8);
    await victim.restart();
    const back = performance.now();
    await expect.poll(() => answers.at(-1)?.status, soon).toBe(200);
    expect(performance.now() - back).toBeLessThan(1000);
    const at = answers.length;
    await expect.poll(() => answers.length, soon).toBeGreaterThan(at + 100);
    expect(statuses(answers.slice(at))).toEqual([200]);
    expect(statuses(await stop())).toEqual([200, 502]);
  });
});

describe('servers that are asked for their health', () => {
  it('get nothing while one says that it is unwell, and stay when all say so', async () => {
    const [one, two] = [targetAt(3), targetAt(4)];
    const { stop } = load('/asked/a', gets);
    one.mode = 'is unwell';
    await expect.poll(() => metric('target_in', 'asked', 0), soon).toBe(0);
    await sleep(50);
    one.served = 0;
    two.mode = 'is unwell';
    await sleep(500);
    expect([one.served, two.served > 50]).toEqual([0, true]);
    two.mode = 'answers';
    one.mode = 'answers';
    await expect.poll(() => one.served, soon).toBeGreaterThan(50);
    expect(statuses(await stop())).toEqual([200]);
  });
});

describe('a WebSocket', () => {
  it('goes to a server that is in', async () => {
    const { hostname, port } = new URL(gateway.url);
    const one = targetAt(3);
    one.mode = 'is unwell';
    await expect.poll(() => metric('target_in', 'asked', 0), soon).toBe(0);
    const before = [one.served, targetAt(4).served];
    for (let n = 0; n < 4; n += 1) {
      const socket = connect(Number(port), hostname);
      const key = 'dGhlIHNhbXBsZSBub25jZQ==';
      socket.write(
        `GET /asked/a HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
      );
      const [first] = await once(socket, 'data');
      expect(String(first)).toContain('HTTP/1.1 200 OK');
      socket.destroy();
    }
    expect([one.served, targetAt(4).served].map((served, at) => served - (before[at] ?? 0))).toEqual([0, 4]);
    one.mode = 'answers';
  });
});

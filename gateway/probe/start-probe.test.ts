import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGuard } from '@sallyport/verify';
import { guardNode } from '@sallyport/verify/node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadGatewaySettings } from '../load-settings.ts';
import type { ServiceRule } from '../routes.ts';
import { baseEnv, type Service, startService } from '../testing/rig.ts';
import { startProbe } from './start-probe.ts';

const { settings } = loadGatewaySettings({ env: baseEnv }, () => []);

interface Told {
  readonly level: 'info' | 'warn' | 'error';
  readonly service?: string;
  readonly path?: string;
  readonly status?: number;
  readonly text: string;
}

const openProbe = ({ limitMs = 5000 } = {}) => {
  const told: Told[] = [];
  let answering: Readonly<Record<string, boolean>> = {};
  const note = (level: Told['level']) => (fields: object, text: string) => void told.push({ level, ...fields, text });
  const probe = startProbe({
    settings,
    log: { info: note('info'), warn: note('warn'), error: note('error') } as never,
    show: (known) => {
      answering = Object.fromEntries(known);
    },
    elapsedMs: () => performance.now(),
    retryMs: 20,
    limitMs,
  });
  onTestFinished(probe.close);
  return { probe, told, answering: () => answering };
};

const service = (id: string, url: ServiceRule['url']): ServiceRule => ({ id, ...(url !== undefined && { url }) });
/** Everything of these services is protected; the paths are `/a`, `/b/sallyport-probe` and `/b`. */
const rulesFor = (...services: readonly ServiceRule[]) => ({
  services,
  routes: services.flatMap(({ id }) => [
    { path: `/${id}/a`, service: id, access: 'required' as const, stripPrefix: `/${id}` },
    { path: `/${id}/b/*`, service: id, access: 'required' as const, stripPrefix: `/${id}` },
  ]),
});

const guarded = (id: string): Service => {
  const guard = createGuard({
    service: id,
    env: { GATEWAY_ASSERTION_KEYS: `m1:${Buffer.alloc(32, 7).toString('base64url')}` },
  });
  return guardNode(guard, (_request, response) => void response.end('for users alone'));
};

const statusOnly =
  (status: number, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end();

describe('the start-up probe', () => {
  it('warns about a service that answers without an assertion, and not about one that is guarded by the SDK', async () => {
    const [safe, open] = [await startService(guarded('safe')), await startService()];
    const { probe, told, answering } = openProbe();
    probe.ask(rulesFor(service('safe', safe.url), service('open', open.url)));
    await expect.poll(() => told.length).toBe(2);
    expect(answering()).toEqual({ safe: false, open: true });
    expect(told.find(({ service: id }) => id === 'safe')).toMatchObject({ level: 'info', status: 401 });
    expect(told.find(({ service: id }) => id === 'open')).toMatchObject({
      level: 'warn',
      path: '/a',
      status: 200,
      target: open.url,
      text: 'the service answers requests without an assertion',
    });
  });

  it('sends a GET with nothing that could identify anybody, and stops where it knows', async () => {
    const seen: string[] = [];
    const { url } = await startService((req, res) => {
      seen.push(`${req.method} ${req.url} ${Object.keys(req.headers).sort().join()}`);
      res.writeHead(401).end();
    });
    const { probe, told } = openProbe();
    probe.ask(rulesFor(service('a', url)));
    await expect.poll(() => told.length).toBe(1);
    expect(seen).toEqual(['GET /a accept,host,user-agent']);
  });

  it.each<[string, RequestListener]>([
    ['404', statusOnly(404)],
    ['405', statusOnly(405)],
    ['a redirect that adds a slash', (req, res) => void res.writeHead(301, { location: `${req.url}/` }).end()],
    ['a redirect to https', (req, res) => void res.writeHead(308, { location: `https://x.example${req.url}` }).end()],
  ])('asks the next path after %s', async (_what, first) => {
    const { url } = await startService((req, res) => (req.url === '/a' ? first(req, res) : void res.end('all of it')));
    const { probe, told } = openProbe();
    probe.ask(rulesFor(service('a', url)));
    await expect.poll(() => told[0]).toMatchObject({ level: 'warn', path: '/b/sallyport-probe', status: 200 });
  });

  it('warns about a redirect to elsewhere', async () => {
    const { url } = await startService(statusOnly(302, { location: '/welcome' }));
    const { probe, told } = openProbe();
    probe.ask(rulesFor(service('a', url)));
    await expect.poll(() => told[0]).toMatchObject({ level: 'warn', path: '/a', status: 302 });
  });

  it('says that it does not know where no path says anything', async () => {
    const { url, seen } = await startService(statusOnly(404));
    const { probe, told, answering } = openProbe();
    probe.ask(rulesFor(service('a', url)));
    await expect.poll(() => told.length).toBe(1);
    expect([told[0]?.level, told[0]?.text.startsWith('not known'), answering(), seen()]).toEqual(['info', true, {}, 3]);
  });

  it('waits for a service that is down at first, or not ready yet', async () => {
    let isReady = false;
    const server = createServer((_req, res) => void res.writeHead(isReady ? 200 : 503).end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { probe, told, answering } = openProbe();
    probe.ask(rulesFor(service('late', `http://127.0.0.1:${port}`)));
    await sleep(60);
    expect(told).toEqual([]);
    onTestFinished(() => server.close().closeAllConnections());
    await once(server.listen(port, '127.0.0.1'), 'listening');
    await sleep(60);
    expect(told).toEqual([]);
    isReady = true;
    await expect.poll(() => told[0]).toMatchObject({ level: 'warn', service: 'late', status: 200 });
    expect(answering()).toEqual({ late: true });
  });

  it('gives up in time', async () => {
    const { probe, told } = openProbe({ limitMs: 100 });
    probe.ask(rulesFor(service('gone', 'http://127.0.0.1:1')));
    await expect.poll(() => told[0]?.text).toMatch(/did not come up in time/);
    expect(told).toHaveLength(1);
  });

  it('asks every server of a service, and believes the worst', async () => {
    const urls = [(await startService(guarded('a'))).url, (await startService()).url];
    const { probe, told, answering } = openProbe();
    probe.ask(rulesFor(service('a', urls)));
    await expect.poll(() => told.length).toBe(2);
    expect(answering()).toEqual({ a: true });
  });

  it('is not held up by a body that never ends', async () => {
    const { url } = await startService((_req, res) => void res.writeHead(200).write('data: 1\n\n'));
    const { probe, told } = openProbe();
    probe.ask(rulesFor(service('a', url)));
    await expect.poll(() => told[0]).toMatchObject({ level: 'warn', status: 200 });
  });

  it('forgets the services of the rules before, and tells nothing once it is closed', async () => {
    const [first, second] = [await startService(), await startService(guarded('b'))];
    const { probe, told, answering } = openProbe();
    probe.ask(rulesFor(service('gone', 'http://127.0.0.1:1'), service('a', first.url)));
    await expect.poll(() => answering()).toEqual({ a: true });
    probe.ask(rulesFor(service('b', second.url)));
    await expect.poll(() => answering()).toEqual({ b: false });
    probe.ask(rulesFor(service('a', first.url)));
    probe.close();
    await sleep(60);
    expect(told.map(({ service: id }) => id)).toEqual(['a', 'b']);
  });
});

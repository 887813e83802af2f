/** gateway.md: the route file is reloaded. By every worker, whatever else happens to them at that moment. */
import { utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { startRecordingUpstream } from '../testing/recording-upstream.ts';
import { routeFile } from '../testing/route-file.ts';

const preload = (file: string): string => `--import=${import.meta.resolve(`../testing/${file}`)}`;

/** A connection of its own: the system spreads them over the threads. */
const statusOf = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.once('error', reject).end();
  });

it('a worker that takes its place while another is slow to take new routes serves no route that they close', async () => {
  const installation = newInstallation();
  const upstream = await startRecordingUpstream();
  const routes = (access: 'public' | 'required') => ({
    version: 1,
    services: [{ id: 'user-service', url: upstream.url }],
    routes: [{ path: '/closing', service: 'user-service', access }],
  });
  const file = routeFile(installation, '');
  /** As no change of the file that is seen by itself: a second reading would mend what the first had missed. */
  const write = (access: 'public' | 'required'): void => {
    writeFileSync(file.path, JSON.stringify(routes(access)).padEnd(500));
    utimesSync(file.path, 1_700_000_000, 1_700_000_000);
  };
  write('public');
  const gateway = await startGateway(installation, {
    GATEWAY_WORKERS: '3',
    REVOCATION_FEED: 'off',
    GATEWAY_ROUTES_FILE: file.path,
    NODE_OPTIONS: `${preload('end-a-worker.ts')} ${preload('hold-a-worker.ts')}`,
  });
  try {
    const statuses = async () =>
      new Set(await Promise.all(Array.from({ length: 40 }, () => statusOf(`${gateway.url}/closing`))));
    expect([...(await statuses())]).toEqual([200]);
    writeFileSync(`${file.path}.hold`, '');
    await sleep(50);
    gateway.signal('SIGUSR2');
    await gateway.waitForLine(({ msg }) => String(msg).startsWith('a worker ended'));
    write('required');
    gateway.signal('SIGHUP');
    for (const line of ['routes reloaded', 'a worker serves again']) {
      await vi.waitUntil(() => gateway.logLines().some(({ msg }) => msg === line), 10_000);
    }
    expect([...(await statuses())]).toEqual([401]);
  } finally {
    await gateway.stop();
    upstream.close();
  }
}, 30_000);

/** The route file changes again and again, and SIGHUP comes besides, while requests are under way: none of them fails. */
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { newInstallation, startGateway } from '../../testing/microservices.ts';
import { mintToken, routeFile } from '../../testing/route-file.ts';
import { countByStatus, errorsOf, startLoad } from './clients.ts';

export interface RouteChange {
  readonly changes: number;
  readonly signals: number;
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly errors: readonly string[];
  readonly passed: boolean;
}

const startService = async () => {
  const server = createServer((req, res) => {
    req.resume().on('end', () => setTimeout(() => res.end('ok'), Math.random() * 15));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

export const routeChange = async ({
  changes,
  random,
}: {
  readonly changes: number;
  readonly random: () => number;
}): Promise<RouteChange> => {
  const installation = newInstallation();
  const [kept, one, two] = await Promise.all([startService(), startService(), startService()]);
  /** `/moving/*` goes to another service and gets other rules with each table; `/version/<n>` is in the nth alone. */
  const table = (n: number) => ({
    version: 1,
    services: [
      { id: 'kept', url: kept.url },
      n % 2 === 0
        ? { id: 'moving', url: one.url }
        : { id: 'moving', url: [two.url, one.url], timeoutSeconds: 5 + (n % 7) },
    ],
    routes: [
      { path: '/kept/*', service: 'kept', access: 'required' },
      { path: '/moving/*', service: 'moving', access: n % 2 === 0 ? 'required' : 'optional', csrf: 'never' },
      { path: `/version/${n}`, service: 'kept', access: 'public' },
    ],
  });
  const file = routeFile(installation, table(0));
  const settings = { GATEWAY_ROUTES_FILE: file.path, LOG_LEVEL: 'error' };
  const gateway = await startGateway(installation, settings);
  const headers = { authorization: `Bearer ${mintToken(installation)}` };
  const load = startLoad(gateway.url, [
    ...Array.from({ length: 4 }, () => ({ path: '/kept/a', headers })),
    ...Array.from({ length: 4 }, () => ({ path: '/moving/a', headers })),
    ...Array.from({ length: 2 }, () => ({ path: '/moving/a', method: 'POST' as const, headers })),
  ]);
  let signals = 0;
  try {
    for (let n = 1; n <= changes; n += 1) {
      file.replace(table(n));
      if (random() < 0.5) {
        signals += 1;
        gateway.signal('SIGHUP');
      }
      // Half of the tables are replaced before anybody has seen them in force.
      if (random() < 0.5) await inForce(gateway.url, n);
      else await sleep(random() * 20);
    }
    await inForce(gateway.url, changes);
  } finally {
    await load.stop();
    await gateway.stop();
    for (const { server } of [kept, one, two]) server.close().closeAllConnections();
    rmSync(installation.folder.path, { recursive: true, force: true });
  }
  const { answers } = load;
  const failed = answers.filter(({ status }) => status !== 200).length;
  return {
    ...{ changes, signals, requests: answers.length, byStatus: countByStatus(answers) },
    ...{ failed, errors: errorsOf(answers), passed: failed === 0 },
  };
};

const inForce = async (url: string, n: number): Promise<void> => {
  for (const until = Date.now() + 10_000; Date.now() < until; await sleep(5)) {
    if ((await fetch(`${url}/version/${n}`)).status === 200) return;
  }
  throw new Error(`the table ${n} did not come into force`);
};

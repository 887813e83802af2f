import { constants, setPriority } from 'node:os';
import { hash, verify } from '@node-rs/bcrypt';
import { startPostgres } from '@sallyport/storage/postgres/testing';
import { issuerClient } from '@sallyport/tests/prove/client';
import { issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';
import type { BenchResult } from './judge.ts';
import { openLoop, percentile } from './measure.ts';

const cost = 12;
const seconds = 15;
const parallel = 8;
const password = 'correct horse battery';

/** Logins with bcrypt 12 against the bare hash loop, both under 20 refreshes/s and 50 verifies/s in an open loop, generator niced. */
export const benchLogin = (): Promise<BenchResult> => loginsOn('SQLite', {});

/** The same on PostgreSQL, whose processes share the cores with the hashes. */
export const benchLoginPostgres = async (): Promise<BenchResult> => {
  const server = await startPostgres({ fsync: 'on' });
  try {
    return await loginsOn('PostgreSQL', { DATABASE_URL: server.url });
  } finally {
    await server.stop();
  }
};

const loginsOn = async (store: string, settings: Readonly<Record<string, string>>): Promise<BenchResult> => {
  setPriority(constants.priority.PRIORITY_LOW);
  const folder = issuerFolder({ ...settings, BCRYPT_COST: String(cost), LOGIN_LIMIT_PER_MINUTE: '0', LOCKOUT: 'off' });
  const issuer = await startIssuer(folder);
  const client = issuerClient(issuer.url, 64);
  try {
    const email = 'bench@example.org';
    await client.post('/auth/register', { email, password, name: 'Bench' });
    const { refresh, access } = await client.signUp();
    const side = () => ({
      refreshes: openLoop(20, () => client.refresh(refresh)),
      verifies: openLoop(50, async () => {
        const response = await fetch(`${issuer.url}/auth/verify`, { headers: { authorization: `Bearer ${access}` } });
        await response.arrayBuffer();
      }),
    });
    const bareSide = side();
    const barePerSecond = await bareLoop();
    await Promise.all([bareSide.refreshes.stop(), bareSide.verifies.stop()]);

    const loginSide = side();
    const loginsPerSecond = await inParallel(() => client.post('/auth/login', { email, password }));
    const [refreshes, verifies] = await Promise.all([loginSide.refreshes.stop(), loginSide.verifies.stop()]);
    const ratio = Math.round((loginsPerSecond / barePerSecond) * 100) / 100;
    const refreshP99Ms = Math.round(percentile(refreshes.latencies, 0.99));
    const verifyP99Ms = Math.round(percentile(verifies.latencies, 0.99));
    return {
      figures: { barePerSecond, loginsPerSecond, ratio, refreshP99Ms, verifyP99Ms },
      verdicts: [
        { what: `login bcrypt 12 on ${store}, of the bare hash loop`, measured: ratio, unit: 'x', atLeast: 0.95 },
        { what: 'p99 of refresh beside logins', measured: refreshP99Ms, unit: 'ms', atMost: 50 },
        { what: 'p99 of verify beside logins', measured: verifyP99Ms, unit: 'ms', atMost: 50 },
      ],
    };
  } finally {
    await client.close();
    await issuer.stop();
    folder.remove();
  }
};

const bareLoop = async (): Promise<number> => {
  const stored = await hash(password, { cost });
  return inParallel(() => verify(password, stored));
};

const inParallel = async (operation: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  let done = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - started < seconds * 1000) {
      await operation();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return Math.round((done / ((performance.now() - started) / 1000)) * 100) / 100;
};

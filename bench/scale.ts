import { startPostgres } from '@sallyport/storage/postgres/testing';
import { issuerClient } from '@sallyport/tests/prove/client';
import { startIssuer } from '@sallyport/tests/prove/issuer-process';
import { fillPostgres } from './filled-postgres.ts';
import { type FilledStore, fillStore, password } from './filled-store.ts';
import type { BenchResult } from './judge.ts';
import { percentile } from './measure.ts';

const people = 300;
const small = 1_000;
const large = Number(process.env['BENCH_SCALE_ROWS'] ?? 1_000_000);
const refreshes = 3_000;
const logins = 150;
const warmUps = 300;

/** The same requests at two issuers in turn, one on a store of a thousand users and sessions, one on a million. One caller at a time: latency, not throughput. */
export const benchScale = async (): Promise<BenchResult> =>
  compareStores('SQLite', [
    await fillStore(settings, { people, rows: small }),
    await fillStore(settings, { people, rows: large }),
  ]);

/** The same on two schemas of one PostgreSQL. */
export const benchScalePostgres = async (): Promise<BenchResult> => {
  const server = await startPostgres({ fsync: 'on', shared_buffers: '1GB', autovacuum: 'on' });
  try {
    return await compareStores('PostgreSQL', [
      await fillPostgres(server.url, 'small', settings, { people, rows: small }),
      await fillPostgres(server.url, 'large', settings, { people, rows: large }),
    ]);
  } finally {
    await server.stop();
  }
};

const settings = { JWT_ALGORITHM: 'ES256', PASSWORD_HASH: 'argon2id' };

const compareStores = async (name: string, stores: readonly [FilledStore, FilledStore]): Promise<BenchResult> => {
  const callers = await Promise.all(stores.map(openCaller));
  try {
    const [refreshSmall = [], refreshLarge = []] = await inTurn(callers, refreshes, (caller, turn) =>
      caller.refresh(turn),
    );
    const [loginSmall = [], loginLarge = []] = await inTurn(callers, logins, (caller, turn) => caller.login(turn));
    const refresh = compare(refreshSmall, refreshLarge);
    const login = compare(loginSmall, loginLarge);
    const largeStoreMiB = Math.round(stores[1].bytes / 2 ** 20);
    const growth = { unit: 'x', atMost: 1.2 };
    return {
      figures: { smallRows: small, largeRows: large, largeStoreMiB, refresh, login },
      verdicts: [
        { what: `refresh latency on ${name}, ${large} rows to ${small}`, measured: refresh.ratio, ...growth },
        { what: `login latency on ${name}, ${large} rows to ${small}`, measured: login.ratio, ...growth },
      ],
    };
  } finally {
    for (const caller of callers) await caller.close();
    for (const { folder } of stores) folder.remove();
  }
};

const openCaller = async ({ folder, sessions }: FilledStore) => {
  const issuer = await startIssuer(folder);
  const client = issuerClient(issuer.url, 1);
  const tokens = sessions.map(({ refresh }) => refresh);
  const expect200 = (status: number): void => {
    if (status !== 200) throw new Error(`the issuer answered ${status}`);
  };
  return {
    refresh: async (turn: number): Promise<void> => {
      // A stride that visits all and keeps no neighbours together.
      const place = (turn * 131) % tokens.length;
      const { status, body } = await client.refresh(tokens[place] ?? '');
      expect200(status);
      tokens[place] = String(body['refresh_token']);
    },
    login: async (turn: number): Promise<void> => {
      const email = sessions[turn % sessions.length]?.email;
      expect200((await client.post('/auth/login', { email, password })).status);
    },
    close: async (): Promise<void> => {
      await client.close();
      await issuer.stop();
    },
  };
};

type Caller = Awaited<ReturnType<typeof openCaller>>;

/** Milliseconds per call, for each caller; the callers take turns, so that a machine whose speed drifts drifts for both. */
const inTurn = async (
  callers: readonly Caller[],
  calls: number,
  call: (caller: Caller, turn: number) => Promise<void>,
): Promise<readonly (readonly number[])[]> => {
  const latencies = callers.map(() => [] as number[]);
  for (let turn = 0; turn < calls + Math.min(calls, warmUps); turn += 1) {
    for (const [index, caller] of callers.entries()) {
      const started = performance.now();
      await call(caller, turn);
      if (turn >= Math.min(calls, warmUps)) latencies[index]?.push(performance.now() - started);
    }
  }
  return latencies;
};

const compare = (smallMs: readonly number[], largeMs: readonly number[]) => {
  const medians = [percentile(smallMs, 0.5), percentile(largeMs, 0.5)] as const;
  const rounded = (value: number): number => Math.round(value * 100) / 100;
  return {
    smallP50Ms: rounded(medians[0]),
    largeP50Ms: rounded(medians[1]),
    smallP99Ms: rounded(percentile(smallMs, 0.99)),
    largeP99Ms: rounded(percentile(largeMs, 0.99)),
    ratio: rounded(medians[1] / medians[0]),
  };
};

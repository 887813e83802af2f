import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { type IssuerClient, issuerClient, type Tokens } from './client.ts';
import { issuerFolder, startIssuer } from './issuer-process.ts';
import { percentile } from './rank.ts';
import { sabotagedIssuer } from './sabotaged-issuer.ts';

interface LoginStormOptions {
  readonly hash: 'argon2id' | 'bcrypt';
  /** Logins under way at any time. */
  readonly parallel: number;
  readonly seconds: number;
  readonly refreshesPerSecond: number;
  readonly verifiesPerSecond: number;
  /** Another issuer than the repository's own. */
  readonly main?: string;
}

export interface LoginStormResult {
  readonly hash: 'argon2id' | 'bcrypt';
  readonly logins: number;
  /** 503 with Retry-After: the line for a hash was too long or too slow. */
  readonly busy: number;
  readonly loginsPerSecond: number;
  readonly refresh: Latency;
  readonly verify: Latency;
  /** How long this process kept its own requests waiting: in the figures above, and not the issuer's. */
  readonly generatorDelayP99Ms: number;
}

/** In milliseconds, from the moment at which a request was due: one that is late counts as late. */
export interface Latency {
  readonly count: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The counts for both hashes, and a twin that blocks the issuer's event loop as a hash on it would. */
export const provenLoginStorm = async ({
  seconds,
  parallel,
}: {
  readonly seconds: number;
  readonly parallel: number;
}): Promise<Readonly<Record<'argon2id' | 'bcrypt' | 'sabotaged', LoginStormResult>> & { readonly passed: boolean }> => {
  const counts = { parallel, seconds, refreshesPerSecond: 20, verifiesPerSecond: 50 };
  const broken = sabotagedIssuer({
    file: 'login/login.ts',
    find: 'await password.verify(user, plain)',
    replace: `(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${blockingMs}), await password.verify(user, plain))`,
  });
  try {
    const argon2id = await loginStorm({ ...counts, hash: 'argon2id' });
    const bcrypt = await loginStorm({ ...counts, hash: 'bcrypt' });
    const twin = { seconds: Math.min(seconds, 5), hash: 'argon2id', main: broken.entry } as const;
    const sabotaged = await loginStorm({ ...counts, ...twin });
    return {
      argon2id,
      bcrypt,
      sabotaged,
      passed: [argon2id, bcrypt].every(waitsForNoHash) && !waitsForNoHash(sabotaged),
    };
  } finally {
    broken.remove();
  }
};

const waitsForNoHash = ({ refresh, verify }: LoginStormResult): boolean =>
  [refresh, verify].every(({ failed, p99Ms }) => failed === 0 && p99Ms < allowedP99Ms);

/** product.md: p99 of refresh and verify beside logins. */
const allowedP99Ms = 50;
const blockingMs = 30;
const password = 'correct horse battery';
const warmUpMs = 1000;

/** Many logins at once beside people who are already in: their refreshes and requests must not wait for anybody's hash. */
const loginStorm = async (options: LoginStormOptions): Promise<LoginStormResult> => {
  const folder = issuerFolder({ PASSWORD_HASH: options.hash, BCRYPT_COST: '12', SESSIONS_PER_USER: '0' });
  const issuer = await startIssuer(folder, 0, options.main);
  const client = issuerClient(issuer.url, options.parallel);
  const side = new Pool(issuer.url.replace('localhost', '127.0.0.1'), { connections: 32, pipelining: 1 });
  const delay = monitorEventLoopDelay({ resolution: 5 });
  try {
    const people = await Promise.all(Array.from({ length: 10 }, () => client.signUp()));
    const emails = await register(client, 4);
    const run = { logins: 0, busy: 0, until: performance.now() + warmUpMs + options.seconds * 1000 };
    const logins = Array.from({ length: options.parallel }, (_, index) => logInAgain(client, emails, index, run));
    await sleep(warmUpMs);
    const before = run.logins;
    delay.enable();
    const [refresh, verify] = await Promise.all([
      openLoop(options.refreshesPerSecond, options.seconds, refreshInTurn(side, people)),
      openLoop(options.verifiesPerSecond, options.seconds, verifyInTurn(side, people)),
    ]);
    delay.disable();
    await Promise.all(logins);
    const loginsPerSecond = round((run.logins - before) / options.seconds);
    const generatorDelayP99Ms = round(delay.percentile(99) / 1e6);
    const { logins: done, busy } = run;
    return { hash: options.hash, logins: done, busy, loginsPerSecond, refresh, verify, generatorDelayP99Ms };
  } finally {
    await Promise.all([client.close(), side.destroy()]);
    await issuer.stop();
    folder.remove();
  }
};

const register = (client: IssuerClient, count: number): Promise<string[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const email = `storm-${index}@example.org`;
      await client.post('/auth/register', { email, password, name: 'Storm' });
      return email;
    }),
  );

const logInAgain = async (
  client: IssuerClient,
  emails: readonly string[],
  index: number,
  run: { logins: number; busy: number; readonly until: number },
): Promise<void> => {
  const email = emails[index % emails.length];
  while (performance.now() < run.until) {
    const { status } = await client.post('/auth/login', { email, password });
    if (status === 200) run.logins += 1;
    else if (status === 503) run.busy += 1;
    else throw new Error(`a login was answered with ${status}`);
  }
};

/** Each session is refreshed by one caller at a time, as clients do. */
const refreshInTurn = (pool: Pool, people: readonly Tokens[]): ((turn: number) => Promise<boolean>) => {
  const tokens = people.map(({ refresh }) => refresh);
  return async (turn) => {
    const index = turn % tokens.length;
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/auth/refresh',
      body: JSON.stringify({ refresh_token: tokens[index] }),
      headers: { 'content-type': 'application/json' },
    });
    const answer = (await body.json()) as Readonly<Record<string, unknown>>;
    tokens[index] = String(answer['refresh_token']);
    return statusCode === 200;
  };
};

const verifyInTurn =
  (pool: Pool, people: readonly Tokens[]): ((turn: number) => Promise<boolean>) =>
  async (turn) => {
    const authorization = `Bearer ${people[turn % people.length]?.access}`;
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path: '/auth/verify',
      headers: { authorization },
    });
    await body.dump();
    return statusCode === 200;
  };

/** Sends when it is time, whether the last one has been answered or not. */
const openLoop = async (
  perSecond: number,
  seconds: number,
  send: (turn: number) => Promise<boolean>,
): Promise<Latency> => {
  const startedMs = performance.now();
  const tookMs: number[] = [];
  let failed = 0;
  const sendAt = async (turn: number): Promise<void> => {
    const dueMs = startedMs + (turn * 1000) / perSecond;
    await sleep(Math.max(0, dueMs - performance.now()));
    if (!(await send(turn))) failed += 1;
    tookMs.push(performance.now() - dueMs);
  };
  await Promise.all(Array.from({ length: perSecond * seconds }, (_, turn) => sendAt(turn)));
  return {
    count: tookMs.length,
    failed,
    p50Ms: round(percentile(tookMs, 0.5)),
    p99Ms: round(percentile(tookMs, 0.99)),
    maxMs: round(Math.max(...tookMs)),
  };
};

const round = (value: number): number => Math.round(value * 10) / 10;

import { setTimeout as sleep } from 'node:timers/promises';
import { type IssuerClient, issuerClient, newAttemptId } from './client.ts';
import { type Issuer, issuerFolder, startIssuer } from './issuer-process.ts';
import { type ProofStore, sqliteStore } from './on-store.ts';

export interface KillResult {
  readonly kills: number;
  readonly sessions: number;
  readonly acknowledged: number;
  readonly unanswered: number;
  /** Refreshes that were refused: a session was stranded. */
  readonly refused: readonly string[];
  /** Genuine tokens that the store did not know: an acknowledged write was lost. */
  readonly lostWrites: number;
  readonly sessionsStillRefreshing: number;
}

interface Holder {
  token: string;
  attemptId: string;
}

/** The issuer, or the server of its store, is killed with -9 again and again while every session keeps refreshing; then each has to go on. */
export const killUnderLoad = async (options: {
  readonly kills: number;
  readonly sessions: number;
  readonly random: () => number;
  readonly store?: ProofStore;
  /** Default: the issuer. */
  readonly victim?: 'issuer' | 'store';
}): Promise<KillResult> => {
  const { store = sqliteStore, victim = 'issuer' } = options;
  const folder = issuerFolder(store.settings);
  let issuer: Issuer = await startIssuer(folder);
  const client = issuerClient(issuer.url);
  const counts = { acknowledged: 0, unanswered: 0 };
  const refused: string[] = [];
  let running = true;
  try {
    const holders = await signUpAll(client, options.sessions);
    const refreshOnce = async (holder: Holder): Promise<void> => {
      try {
        const { status, body } = await client.refresh(holder.token, holder.attemptId);
        if (status === 200) {
          counts.acknowledged += 1;
          holder.token = String(body['refresh_token']);
          holder.attemptId = newAttemptId();
        } else if (status < 500) refused.push(String(body['code']));
        else {
          counts.unanswered += 1;
          await sleep(15);
        }
      } catch {
        // The issuer died with the answer on its way: the client keeps token and attempt id and comes again.
        counts.unanswered += 1;
        await sleep(15);
      }
    };
    const load = holders.map(async (holder) => {
      while (running && refused.length === 0) await refreshOnce(holder);
    });
    for (let kill = 0; kill < options.kills; kill += 1) {
      await sleep(60 + options.random() * 340);
      if (victim === 'store') {
        if (store.crash === undefined) throw new Error('this store has no server that could be killed');
        await store.crash();
        await untilReady(issuer);
        continue;
      }
      await issuer.kill();
      issuer = await startIssuer(folder, issuer.port);
    }
    running = false;
    await Promise.all(load);
    const before = counts.acknowledged;
    await Promise.all(holders.map(refreshOnce));
    const sessionsStillRefreshing = counts.acknowledged - before;
    await issuer.stop();
    const lostWrites = await store.count(folder, lostWritesQuery);
    return {
      ...counts,
      kills: options.kills,
      sessions: options.sessions,
      refused,
      lostWrites,
      sessionsStillRefreshing,
    };
  } finally {
    running = false;
    await client.close();
    await issuer.kill();
    folder.remove();
  }
};

const signUpAll = (client: IssuerClient, count: number): Promise<Holder[]> =>
  Promise.all(
    Array.from({ length: count }, async () => ({ token: (await client.signUp()).refresh, attemptId: newAttemptId() })),
  );

const backWithinMs = 5000;

/** The store's server is back: the issuer has to find it by itself. */
const untilReady = async ({ url }: Issuer): Promise<void> => {
  const giveUpAtMs = performance.now() + backWithinMs;
  while ((await fetch(new URL('/ready', url))).status !== 200) {
    if (performance.now() > giveUpAtMs) throw new Error(`not ready ${backWithinMs} ms after its store`);
    await sleep(10);
  }
};

/** A token ahead of its row would be adopted, and audited as such. */
const lostWritesQuery = "SELECT count(*) FROM audit WHERE event_type IN ('refresh_adopted_ahead', 'session_lost')";

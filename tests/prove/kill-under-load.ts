import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { type IssuerClient, issuerClient, newAttemptId } from './client.ts';
import { type Issuer, issuerFolder, startIssuer } from './issuer-process.ts';

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
  /** Names the store where it is no SQLite file. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where given, the issuer lives and its store dies. */
  readonly killStore?: () => Promise<void>;
}): Promise<KillResult> => {
  const { killStore } = options;
  const folder = issuerFolder(options.settings);
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
      if (killStore !== undefined) await killStore();
      else {
        await issuer.kill();
        issuer = await startIssuer(folder, issuer.port);
      }
    }
    await readyAgain(issuer);
    running = false;
    await Promise.all(load);
    const before = counts.acknowledged;
    await Promise.all(holders.map(refreshOnce));
    const sessionsStillRefreshing = counts.acknowledged - before;
    await issuer.stop();
    const lostWrites = await countLostWrites(folder.path, options.settings?.['DATABASE_URL']);
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

/** Recovery is the issuer's own business, within 5 s. */
const readyAgain = async ({ url }: Issuer): Promise<void> => {
  const until = performance.now() + 5000;
  while ((await fetch(`${url}/ready`)).status !== 200) {
    if (performance.now() > until) throw new Error('not ready 5 s after the last kill');
    await sleep(20);
  }
};

const signUpAll = (client: IssuerClient, count: number): Promise<Holder[]> =>
  Promise.all(
    Array.from({ length: count }, async () => ({ token: (await client.signUp()).refresh, attemptId: newAttemptId() })),
  );

/** A token ahead of its row would be adopted, and audited as such. */
const lost = "SELECT count(*) AS lost FROM audit WHERE event_type IN ('refresh_adopted_ahead', 'session_lost')";

const countLostWrites = async (folder: string, url = ''): Promise<number> => {
  if (url.startsWith('postgres:')) {
    const raw = rawConnection(url, 'sallyport');
    const { rows } = await raw.run(lost);
    await raw.close();
    return Number(rows[0]?.['lost']);
  }
  const db = new DatabaseSync(join(folder, 'sallyport.db'), { readOnly: true });
  const row = db.prepare(lost).get();
  db.close();
  return Number(row?.['lost']);
};

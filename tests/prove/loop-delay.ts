import { setTimeout as sleep } from 'node:timers/promises';
import { issuerClient } from './client.ts';
import { issuerFolder, startIssuer } from './issuer-process.ts';

export interface LoopDelay {
  readonly refreshes: number;
  readonly refreshesPerSecond: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What the issuer's histogram samples at (kit/metrics.ts): an idle loop reads this, so it is taken off. */
const samplingMs = 10;

/** The issuer's event-loop delay under refresh load, as its own metrics tell it (reset at each reading). */
export const loopDelay = async ({
  seconds,
  sessions,
  perSecond,
}: {
  readonly seconds: number;
  readonly sessions: number;
  /** Steady rate over all sessions; undefined: as fast as it goes. */
  readonly perSecond?: number;
}): Promise<LoopDelay> => {
  const folder = issuerFolder();
  const issuer = await startIssuer(folder);
  const client = issuerClient(issuer.url, sessions);
  let refreshes = 0;
  try {
    const tokens = await Promise.all(Array.from({ length: sessions }, async () => (await client.signUp()).refresh));
    const run = async (forMs: number) => {
      const until = performance.now() + forMs;
      await Promise.all(
        tokens.map(async (_, index) => {
          for (let due = performance.now() + index * 3; performance.now() < until; ) {
            if (perSecond !== undefined) await sleep(Math.max(0, due - performance.now()));
            due += perSecond === undefined ? 0 : (sessions * 1000) / perSecond;
            const { status, body } = await client.refresh(String(tokens[index]));
            if (status !== 200) throw new Error(`refresh answered ${status}`);
            tokens[index] = String(body['refresh_token']);
            refreshes += 1;
          }
        }),
      );
    };
    await run(1500);
    await sleep(200);
    await readDelay(issuer.privateUrl);
    refreshes = 0;
    await run(seconds * 1000);
    const { p99Ms, maxMs } = await readDelay(issuer.privateUrl);
    return { refreshes, refreshesPerSecond: Math.round(refreshes / seconds), p99Ms, maxMs };
  } finally {
    await client.close();
    await issuer.stop();
    folder.remove();
  }
};

const readDelay = async (privateUrl: string): Promise<{ p99Ms: number; maxMs: number }> => {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  const read = (name: string) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, 'm').exec(text)?.[1]) * 1000 - samplingMs;
  return { p99Ms: read('p99'), maxMs: read('max') };
};

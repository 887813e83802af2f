import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@sallyport/kit/clock';
import type { AuditSpool } from '@sallyport/storage/contracts/audit';

export interface Backlog {
  /** Records that are neither sealed nor delivered; no more are counted than a million. */
  readonly waiting: number;
  /** Age of the oldest of them. */
  readonly oldestSeconds: number;
  stop(): Promise<void>;
}

const atMost = 1_000_000;

/** What waits, looked at now and then: metrics are read at once. */
export const watchBacklog = (spool: Pick<AuditSpool, 'countWaiting'>, clock: Clock, intervalMs: number): Backlog => {
  const stopping = new AbortController();
  let found: { readonly waiting: number; readonly oldestAtMs: number | undefined } = {
    waiting: 0,
    oldestAtMs: undefined,
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // A store that does not answer keeps the last answer standing; the store's own metrics say that it does not.
      found = await spool.countWaiting(atMost).catch(() => found);
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    get waiting() {
      return found.waiting;
    },
    get oldestSeconds() {
      return found.oldestAtMs === undefined ? 0 : Math.max(0, (clock.nowMs() - found.oldestAtMs) / 1000);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

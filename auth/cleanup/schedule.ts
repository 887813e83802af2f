import { setTimeout as sleep } from 'node:timers/promises';
import type { Removed } from './clean.ts';

export interface CleanupScheduleOptions {
  /** One run; it ends early where the signal says so. */
  readonly clean: (signal: AbortSignal) => Promise<Removed>;
  /** CLEANUP_INTERVAL_SECONDS in milliseconds; 0: never. */
  readonly intervalMs: number;
  /** From 0 to below 1, anew for each pause: issuers that start together do not clean together. */
  readonly spread: () => number;
  readonly onDone: (removed: Removed) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * An issuer that is restarted more often than the interval cleans all the same, and not in the minute in which everybody comes back.
 */
const firstPauseMs = { least: 60_000, most: 300_000 } as const;

const firstPause = (intervalMs: number, spread: number): number => {
  const least = Math.min(intervalMs, firstPauseMs.least);
  return least + (Math.min(intervalMs, firstPauseMs.most) - least) * spread;
};

/** Runs the cleanup at intervals. Returns how to stop; a run that is under way ends with its step. */
export const startCleanup = (options: CleanupScheduleOptions): (() => Promise<void>) => {
  const { clean, intervalMs, spread, onDone, onError } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  const run = async (): Promise<void> => {
    let pauseMs = firstPause(intervalMs, spread());
    for (;;) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await clean(signal).then(onDone, onError);
      pauseMs = intervalMs * (0.75 + spread() / 2);
    }
  };
  const running = intervalMs === 0 ? Promise.resolve() : run();
  return async () => {
    stopping.abort();
    await running;
  };
};

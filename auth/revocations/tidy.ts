import { setTimeout as sleep } from 'node:timers/promises';
import type { Revocations } from '@sallyport/storage/contracts/revocations';

export interface TidyingOptions {
  readonly revocations: Pick<Revocations, 'countRevocations' | 'tidyRevocations'>;
  /** REVOCATION_MAX_ENTRIES. */
  readonly maxEntries: number;
  readonly pauseMs: number;
  readonly onFolded: (counts: { readonly folded: number; readonly users: number }) => void;
  readonly onError: (error: unknown) => void;
}

/** Fewer expired entries than this are left for later: nobody is sent them, and a write waits for the disk. */
const worthRemoving = 1000;

/** Keeps the number of entries that every verifier holds in bounds. Returns how to stop. */
export const startTidying = (options: TidyingOptions): (() => Promise<void>) => {
  const { revocations, maxEntries, pauseMs, onFolded, onError } = options;
  const stopping = new AbortController();

  const tidyOnce = async (): Promise<void> => {
    const { live, expired } = await revocations.countRevocations();
    if (live <= maxEntries && expired < worthRemoving) return;
    const counts = await revocations.tidyRevocations(maxEntries);
    if (counts.folded > 0) onFolded(counts);
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) await tidyOnce().catch(onError);
    }
  };
  const running = run();
  return async () => {
    stopping.abort();
    await running;
  };
};

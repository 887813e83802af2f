import type { Log } from '@sallyport/kit/log';
import type { RevocationFeed } from '@sallyport/verify';

export interface BoundStats {
  /** Nothing has been heard for longer than the bound. */
  readonly isBroken: boolean;
  /** How often that has begun. */
  readonly breaks: number;
}

export interface WatchBoundOptions {
  readonly feed: Pick<RevocationFeed, 'stats'>;
  /** REVOCATION_BOUND_SECONDS. */
  readonly boundSeconds: number;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** How often it is asked. Default 250. */
  readonly everyMs?: number;
}

/**
 * Watches the promise that a revocation is known here within the bound. A feed that has not begun is no broken promise: nobody is let
 * in on its word. Only tells; what is too old to be relied on is for REVOCATION_MAX_STALENESS_SECONDS.
 */
export const watchBound = ({ feed, boundSeconds, log, everyMs = 250 }: WatchBoundOptions) => {
  let isBroken = false;
  let breaks = 0;

  const look = (): void => {
    const { ageSeconds, lastFailure } = feed.stats();
    const isOver = Number.isFinite(ageSeconds) && ageSeconds > boundSeconds;
    if (isOver === isBroken) return;
    isBroken = isOver;
    if (isOver) {
      breaks += 1;
      log.warn({ boundSeconds, ageSeconds, lastFailure }, 'revocations are not heard within the bound');
    } else log.info({ boundSeconds }, 'revocations are heard again within the bound');
  };

  const timer = setInterval(look, everyMs);
  timer.unref();
  return Object.freeze({ stats: (): BoundStats => ({ isBroken, breaks }), close: () => clearInterval(timer) });
};

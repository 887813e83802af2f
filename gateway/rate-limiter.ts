import { createGcra, type GcraOptions } from './gcra.ts';

export interface RateDecision {
  readonly allowed: boolean;
  /** 0 where it is allowed. */
  readonly retryAfterMs: number;
  /** Requests of this key that may still come at once. */
  readonly remaining: number;
}

/** Counts requests by key. Concurrent callers of one key never get more than the limit together, in this process. */
export interface RateLimiter {
  /** `nowMs` never goes back. A refused request counts for nothing. */
  take(key: string, nowMs: number): RateDecision;
}

/** In the memory of this process. */
export const createLocalLimiter = (options: GcraOptions): RateLimiter => {
  const gcra = createGcra(options);
  return Object.freeze({
    take: (key: string, nowMs: number): RateDecision => {
      const retryAfterMs = gcra.take(key, nowMs);
      const allowed = retryAfterMs === 0;
      return { allowed, retryAfterMs, remaining: allowed ? gcra.remaining(key, nowMs) : 0 };
    },
  });
};

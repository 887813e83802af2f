import type { EpochMs, RealmId } from '@sallyport/contract';

export interface AttemptCount {
  readonly allowed: boolean;
  readonly remaining: number;
  /** When the next attempt is allowed (refused), or when the window is empty again (allowed). */
  readonly resetAtMs: EpochMs;
}

/** `limit` is at most this: an exact sliding window remembers each attempt. */
export const maxCounterLimit = 1000;

export interface Counters {
  /** Exact sliding window by the store's clock: of N callers in one window, at most `limit` are allowed. Refused ones do not count. */
  countAttempt(input: {
    readonly realmId: RealmId;
    readonly purpose: string;
    readonly subject: string;
    readonly limit: number;
    readonly windowMs: number;
  }): Promise<AttemptCount>;
  /** Forgets a subject's attempts. Idempotent. */
  clearAttempts(input: {
    readonly realmId: RealmId;
    readonly purpose: string;
    readonly subject: string;
  }): Promise<void>;
}

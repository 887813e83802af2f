import type { EpochMs, RealmId } from '@sallyport/contract';

export interface AttemptCount {
  readonly allowed: boolean;
  readonly remaining: number;
  /** When the next attempt is allowed (refused), or when the window is empty again (allowed). */
  readonly resetAtMs: EpochMs;
}

/** `limit` is at most this: an exact sliding window remembers each attempt. */
export const maxCounterLimit = 1000;

/** One limit that an attempt has to pass. */
export interface AttemptGate {
  readonly purpose: string;
  readonly subject: string;
  /** Failed attempts allowed in the window; 0: no limit. At most `maxCounterLimit`. */
  readonly limit: number;
  readonly windowMs: number;
  /** Where given, failures in a row lock the subject for a time. */
  readonly lock?: AttemptLock;
}

export interface AttemptLock {
  /** Failures in a row that lock; as many again lock for twice as long. */
  readonly after: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

export type Reservation =
  | { readonly kind: 'granted' }
  /** So many attempts are under way that this one might be beyond the limit: ask again when one of them is settled. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'limited'; readonly retryAtMs: EpochMs; readonly limit: number; readonly windowMs: number }
  /** Granted in everything but the verdict: nobody may be told it. Settled as `locked`. */
  | { readonly kind: 'locked' };

/**
 * `cancelled`: not judged at all (the queue was full); it counts for nothing. `locked`: counts in the window like a failure, and
 * does not lengthen the lock.
 */
export type AttemptOutcome = 'failed' | 'succeeded' | 'cancelled' | 'locked';

export interface Counters {
  /** Exact sliding window by the store's clock: of N callers in one window, at most `limit` are allowed. Refused ones do not count. */
  countAttempt(input: {
    readonly realmId: RealmId;
    readonly purpose: string;
    readonly subject: string;
    readonly limit: number;
    readonly windowMs: number;
  }): Promise<AttemptCount>;
  /**
   * Takes a place at every gate, or at none. Failed attempts and those under way together never pass a gate's limit, whatever the
   * number of callers and nodes. A place that is not settled within `leaseMs` (its node died) counts as failed. An attempt at a
   * locked subject takes its places too: neither its cost nor the answers to attempts beside it tell of the lock.
   */
  reserveAttempt(input: {
    readonly realmId: RealmId;
    readonly attemptId: string;
    readonly gates: readonly AttemptGate[];
    readonly leaseMs: number;
  }): Promise<Reservation>;
  /** Gives the places back. A failure is counted and lengthens the row of failures; a success ends it. Idempotent. */
  settleAttempt(input: {
    readonly realmId: RealmId;
    readonly attemptId: string;
    readonly gates: readonly AttemptGate[];
    readonly outcome: AttemptOutcome;
  }): Promise<void>;
  /** Forgets a subject's attempts. Idempotent. */
  clearAttempts(input: {
    readonly realmId: RealmId;
    readonly purpose: string;
    readonly subject: string;
  }): Promise<void>;
}

import type { RealmId } from '@sallyport/contract';

/**
 * One counter of a rate limit: the generic cell rate algorithm (ITU-T I.371) by the store's own clock. What tells counters apart,
 * the limit's own numbers included, stands in `subject`.
 */
export interface RateCounter {
  readonly realmId: RealmId;
  /** Not in clear: a keyed hash of whom the counter is about. */
  readonly subject: string;
  /** Microseconds between two requests in the long run, a whole number of at least 1. */
  readonly intervalUs: number;
}

export interface RateVerdict {
  /** 0: taken. Otherwise nothing was taken, and it is the milliseconds until the next may be. */
  readonly waitMs: number;
  /** How far the counter is ahead of the store's clock now: what the subject owes. */
  readonly aheadMs: number;
}

export interface Rates {
  /** Of N callers at once, over any number of nodes, never more than the limit are let through. */
  takeRate(input: RateCounter & { readonly burst: number }): Promise<RateVerdict>;
  /**
   * Adds what nodes have let through by themselves; nothing is refused. Returns, in the order of the input, how far each counter is
   * ahead of the store's clock afterwards, in milliseconds; never beyond `maxAheadMs`. All or nothing is not promised where it rejects.
   */
  spendRates(input: readonly RateSpending[]): Promise<readonly number[]>;
}

export interface RateSpending extends RateCounter {
  readonly count: number;
  readonly maxAheadMs: number;
}

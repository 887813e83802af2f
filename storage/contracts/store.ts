/**
 * The storage contracts: small, one per concern, made of intent verbs. Each verb says what N concurrent callers see, and no
 * caller ever checks first and acts later across an `await`. A driver says which contracts it serves; configuration says who
 * serves what. SQL and Redis commands live in the drivers and nowhere else.
 */
import type { CredentialId, EpochMs } from '@sallyport/contract';

/** The store did not answer, or the outcome of a write is not known. Callers answer 503 with Retry-After; it is never a verdict on a token. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /** True where the write may have been committed all the same. */
  readonly outcomeUnknown: boolean;
  /** @param cause an error, or its reason in words; it is logged, so it tells nothing of people and no secret */
  constructor(cause: unknown, outcomeUnknown = false) {
    super('the store did not answer', { cause: typeof cause === 'string' ? new Error(cause) : cause });
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** Who acts, from where: becomes part of the effect that the verb writes in its own atomic step. */
export interface ActContext {
  readonly requestId: string;
  /** `user`: the account itself; `admin`: an operator on the host; `system`: a job; else the service credential at the admin API. */
  readonly actor: 'user' | 'admin' | 'system' | CredentialId;
  readonly address?: string;
  readonly userAgent?: string;
}

/** What a verb returns together with the store's own clock, which alone decides about overlaps and expiries. */
export interface AtStoreTime<T> {
  readonly value: T;
  readonly nowMs: EpochMs;
}

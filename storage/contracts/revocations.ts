import type { EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';
import type { EndCause } from './sessions.ts';
import type { ActContext } from './store.ts';

/** What verifiers refuse before expiry: a session, a user's tokens with `uep` below an epoch, or a signing key. */
export type RevocationSubject =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'user'; readonly userId: string; readonly minimumEpoch: number }
  | { readonly kind: 'key'; readonly kid: string };

export interface RevocationEntry {
  readonly position: number;
  readonly realmId: RealmId;
  readonly subject: RevocationSubject;
  /** `roles_changed` and `folded` make tokens stale (refresh), everything else dead. */
  readonly cause: string;
  readonly atMs: EpochMs;
  /** Revocation + the longest access lifetime + leeway. */
  readonly expiresAtMs: EpochMs;
}

/** The end of a session whose row another store keeps: one that may go back, where this store does not. */
export interface SessionEnd {
  readonly sessionId: SessionId;
  readonly realmId: RealmId;
  /** Absent where the row is gone and nobody can say any more whose it was. */
  readonly userId?: UserId;
  readonly cause: EndCause;
  /** Not before the session's absolute expiry, with a margin for two clocks. */
  readonly keepUntilMs: EpochMs;
}

export interface RecordedEnd {
  readonly cause: EndCause;
  readonly atMs: EpochMs;
}

export interface Revocations {
  /** Entries after a position in the order of commits; entries are written by the verbs of sessions and accounts in their own step. */
  readRevocations(afterPosition: number, limit: number): Promise<readonly RevocationEntry[]>;
  /** The same without those that have expired by the store's clock: a snapshot is read in such pages. */
  readLiveRevocations(afterPosition: number, limit: number): Promise<readonly RevocationEntry[]>;
  /** The position of the newest entry that was ever written; 0 where there is none. */
  lastRevocationPosition(): Promise<number>;
  /** How many entries are alive by the store's clock, and how many are kept beyond. */
  countRevocations(): Promise<{ readonly live: number; readonly expired: number }>;
  /**
   * Removes what has expired, recorded ends of sessions included (those are not counted). Where more than `maxEntries` live, folds the session entries of users with the most of them into one
   * user entry each, until half of `maxEntries` live or no user has two: the user's access epoch is raised by one, so tokens of his
   * other sessions become stale, and a refresh gives a new one. At most 20,000 session entries a call; of two callers at once the
   * second finds what the first has left.
   */
  tidyRevocations(
    maxEntries: number,
  ): Promise<{ readonly expired: number; readonly folded: number; readonly users: number }>;
  /** Calls back soon after a write of this process that may have been a revocation. Only wakes: other processes' writes are found by reading. Returns how to stop. */
  onWrite(wake: () => void): () => void;
  /** Names this store's history: changes when a backup was restored. */
  storeIncarnation(): Promise<string>;
  /**
   * Records ends, each with its effect (`refresh.reused` for that cause, else `session.ended`) and the entry that verifiers read, in one
   * step. A row that this store itself has of the session ends with it. Of N callers with one session one records its end and gets its id
   * back; what is recorded stays until `keepUntilMs`. Whoever asks `findSessionEnds` afterwards, on any node, is told.
   */
  recordSessionEnds(ends: readonly SessionEnd[], context: ActContext): Promise<readonly SessionId[]>;
  /** Those of the sessions whose end was recorded. One indexed read, of the primary store. */
  findSessionEnds(sessionIds: readonly SessionId[]): Promise<ReadonlyMap<SessionId, RecordedEnd>>;
}

import type { EpochMs, RealmId } from '@sallyport/contract';

/** What verifiers refuse before expiry: a session, a user's tokens with `uep` below an epoch, or a signing key. */
export type RevocationSubject =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'user'; readonly userId: string; readonly minimumEpoch: number }
  | { readonly kind: 'key'; readonly kid: string };

export interface RevocationEntry {
  readonly position: number;
  readonly realmId: RealmId;
  readonly subject: RevocationSubject;
  /** `roles_changed` makes tokens stale (refresh), everything else dead. */
  readonly cause: string;
  readonly atMs: EpochMs;
  /** Revocation + the longest access lifetime + leeway. */
  readonly expiresAtMs: EpochMs;
}

export interface Revocations {
  /** Entries after a position in the order of commits; entries are written by the verbs of sessions and accounts in their own step. */
  readRevocations(afterPosition: number, limit: number): Promise<readonly RevocationEntry[]>;
  /** Names this store's history: changes when a backup was restored. */
  storeIncarnation(): Promise<string>;
}

/**
 * What takes away rows whose time is over, and what is known of a person. Every verb but the last looks at no more than `limit` rows,
 * oldest first, so that it holds nobody up: callers repeat it. Of N callers at once each row is removed, and counted, by one. A driver
 * whose rows end by themselves has nothing to remove and says 0.
 */
import type { RealmId, SessionId, UserId } from '@sallyport/contract';
import type { LoginIdentifier, User } from './accounts.ts';
import type { ActContext } from './store.ts';

/** `last`: where the next call goes on; undefined: the end was reached. */
export interface SessionSweep {
  readonly removed: number;
  readonly last: SessionId | undefined;
}

export type Erasure =
  | { readonly kind: 'erased' }
  /** Not deleted: nothing was changed. */
  | { readonly kind: 'live' }
  | { readonly kind: 'unknown' };

export interface Housekeeping {
  /**
   * Looks at `limit` sessions after `after` and removes those of which every token is refused for its age: past their expiry by the
   * store's clock and, where they were ended, ended for `keepEndedMs`. A session that was ended or reused and has not expired stays,
   * so that its tokens go on being told why.
   */
  removeExpiredSessions(input: {
    readonly after?: SessionId;
    readonly keepEndedMs: number;
    readonly limit: number;
  }): Promise<SessionSweep>;
  /** Spent nonces past their `expiresAtMs`: their time window refuses them by then. */
  removeExpiredNonces(limit: number): Promise<number>;
  /** Counters that count nothing any more. */
  removeIdleCounters(limit: number): Promise<number>;
  /** Devices whose registration was begun so long ago and never confirmed, and those that were revoked so long ago. */
  removeDeadDevices(input: {
    readonly unconfirmedForMs: number;
    readonly revokedForMs: number;
    readonly limit: number;
  }): Promise<number>;
  /** Published events older than `keepMs`. One that is pending or dead stays, however old it is. */
  removeOldEvents(input: { readonly keepMs: number; readonly limit: number }): Promise<number>;
  /** Deleted accounts that had this identifier and still say so, oldest first. */
  findDeletedUsers(realmId: RealmId, identifier: LoginIdentifier): Promise<readonly User[]>;
  /**
   * Takes everything personal from a deleted account in one step: its columns, devices, sessions, and address, agent, e-mail and name in
   * effects, audit and events, also in those that are moved there later. Ids and times stay. Idempotent; the first call leaves an effect.
   */
  eraseUser(userId: UserId, context: ActContext): Promise<Erasure>;
}

import type { EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';
import type { ActContext } from './store.ts';

export interface User {
  readonly id: UserId;
  readonly realmId: RealmId;
  readonly email?: string;
  readonly username?: string;
  readonly name?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly displayName?: string;
  /** Sealed at rest. */
  readonly phoneNumber?: string;
  readonly avatarUrl?: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  /** Raised by logout-all, disable, delete and password change: a session of an older epoch is dead. */
  readonly sessionEpoch: number;
  /** Raised by the same and by a change of roles: an access token with a lower `uep` is refused. */
  readonly accessEpoch: number;
  readonly disabledAtMs?: EpochMs;
  readonly deletedAtMs?: EpochMs;
  readonly createdAtMs: EpochMs;
}

/** A user with the password's hash (PHC string or bcrypt's own form); undefined where the account has no password. */
export interface UserWithPassword extends User {
  readonly passwordHash: string | undefined;
}

export interface NewUser {
  readonly id: UserId;
  readonly realmId: RealmId;
  readonly email?: string;
  /** Unique in the realm among accounts that are not deleted: NFKC, lower case, punycode domain. */
  readonly emailKey?: string;
  readonly username?: string;
  readonly usernameKey?: string;
  readonly name?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly displayName?: string;
  readonly phoneNumber?: string;
  readonly passwordHash: string | undefined;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export type CreateUserOutcome = { readonly kind: 'created'; readonly user: User } | { readonly kind: 'taken' };

export type LoginIdentifier =
  | { readonly kind: 'email'; readonly key: string }
  | { readonly kind: 'username'; readonly key: string };

export interface Accounts {
  /** Of N callers with one e-mail or user name, one creates the account, the others see `taken`. */
  createUser(user: NewUser, context: ActContext): Promise<CreateUserOutcome>;
  /** Never returns a deleted account. */
  findUserForLogin(realmId: RealmId, identifier: LoginIdentifier): Promise<UserWithPassword | undefined>;
  /** Returns deleted accounts too, with `deletedAtMs`: the caller has to look. */
  findUser(userId: UserId): Promise<UserWithPassword | undefined>;
  /** Raises both epochs. Changes nothing (`false`) where the hash is no longer the expected one: of N callers one wins. */
  changePassword(input: {
    readonly userId: UserId;
    readonly expectedHash: string;
    readonly newHash: string;
    /** The session that asked; it adopts the new epochs. */
    readonly sessionId: SessionId;
    readonly context: ActContext;
  }): Promise<{ readonly changed: false } | { readonly changed: true; readonly user: User }>;
  /** Replaces a hash by a newer one of the same password; no epoch moves, no effect. Nothing happens where the hash has changed meanwhile. */
  replacePasswordHash(input: {
    readonly userId: UserId;
    readonly expectedHash: string;
    readonly newHash: string;
  }): Promise<void>;
  /** Raises both epochs, so that every session and access token of the user is dead. Undefined: no such account. */
  endAllSessions(userId: UserId, context: ActContext): Promise<User | undefined>;
  /** Disabling raises both epochs; enabling raises none. Idempotent. */
  setUserDisabled(userId: UserId, disabled: boolean, context: ActContext): Promise<User | undefined>;
  /** Raises the access epoch only: clients refresh, nobody is logged out. */
  setUserRoles(input: {
    readonly userId: UserId;
    readonly roles: readonly string[];
    readonly permissions: readonly string[];
    readonly context: ActContext;
  }): Promise<User | undefined>;
  /** Soft delete: raises both epochs and frees e-mail and user name. Idempotent. */
  deleteUser(userId: UserId, context: ActContext): Promise<User | undefined>;
  /** Oldest first, without deleted ones. */
  listUsers(realmId: RealmId, page: { readonly after?: UserId; readonly limit: number }): Promise<readonly User[]>;
  /** Those whose key begins with `prefix`, in the order of keys (by code point), from behind the key `after` on; without deleted ones. */
  searchUsers(
    realmId: RealmId,
    search: {
      readonly kind: LoginIdentifier['kind'];
      readonly prefix: string;
      readonly after?: string;
      readonly limit: number;
    },
  ): Promise<readonly User[]>;
}

/**
 * Sessions: one row per session, which is the refresh family; there are no token rows. Verbs on one session serialise on its row.
 */
import type { DeviceId, EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';
import type { ActContext, AtStoreTime } from './store.ts';

export type EndCause =
  | 'logout'
  | 'logout_all'
  | 'revoked'
  | 'ended_by_user'
  | 'reused'
  | 'replaced'
  | 'evicted'
  | 'password_changed'
  | 'disabled'
  | 'deleted'
  | 'key_removed'
  | 'device_revoked'
  | 'restored';

export const maxLoserAttempts = 8;

/** Where the session was last seen from; sealed at rest. */
export interface Origin {
  readonly address?: string;
  readonly userAgent?: string;
  /** What a device said about itself at its login. */
  readonly deviceInfo?: string;
}

export interface Session {
  readonly id: SessionId;
  readonly realmId: RealmId;
  readonly userId: UserId;
  readonly deviceId?: DeviceId;
  readonly clientId: string;
  readonly scope?: string;
  readonly audience?: string;
  readonly createdAtMs: EpochMs;
  readonly authTimeMs: EpochMs;
  readonly amr: readonly string[];
  readonly acr?: string;
  /** The user's session epoch at login, or the one adopted at a password change. */
  readonly sessionEpoch: number;
  /** Grows by one at each rotation; 0 at login. */
  readonly generation: number;
  /** Root key that the current token was derived with, 0..65535. */
  readonly keyId: number;
  /** 16 random bytes, for the session's whole life. */
  readonly salt: Uint8Array;
  /** SHA-256 of the current token, or HMAC under the refresh secret `hashKeyId`. */
  readonly tokenHash: Uint8Array;
  /** Empty for plain SHA-256. */
  readonly hashKeyId: string;
  readonly rotatedAtMs: EpochMs;
  /** 16 random bytes drawn by the node that made the last rotation. */
  readonly rotationId: Uint8Array;
  /** Hash of the attempt id that won the last rotation. */
  readonly winnerAttempt?: Uint8Array;
  /** Hashes of attempt ids that lost it inside the overlap, at most `maxLoserAttempts`. */
  readonly loserAttempts: readonly Uint8Array[];
  readonly idleExpiresAtMs: EpochMs;
  readonly absoluteExpiresAtMs: EpochMs;
  /** RFC 7638 thumbprint of the key that the session is bound to. */
  readonly boundKeyThumbprint?: string;
  /** Fixed when the device was registered: a request without proof changes nothing. */
  readonly proofRequired: boolean;
  /** Written at most once a minute. */
  readonly lastSeenAtMs: EpochMs;
  readonly label?: string;
  readonly revokedAtMs?: EpochMs;
  readonly revokedCause?: EndCause;
  /** Unseals address and agent. */
  origin(): Origin;
}

export interface NewSession {
  readonly id: SessionId;
  readonly realmId: RealmId;
  readonly userId: UserId;
  readonly deviceId?: DeviceId;
  readonly clientId: string;
  readonly scope?: string;
  readonly audience?: string;
  readonly amr: readonly string[];
  readonly acr?: string;
  readonly sessionEpoch: number;
  readonly keyId: number;
  readonly salt: Uint8Array;
  readonly tokenHash: Uint8Array;
  readonly hashKeyId: string;
  readonly rotationId: Uint8Array;
  readonly idleTtlMs: number;
  readonly absoluteTtlMs: number;
  readonly boundKeyThumbprint?: string;
  readonly proofRequired: boolean;
  readonly label?: string;
  readonly origin: Origin;
  /** Live sessions that the user may have after this one; the oldest end. 0: no limit. */
  readonly maxPerUser: number;
  /** The same for one device. 0: no limit. */
  readonly maxPerDevice: number;
  readonly context: ActContext;
}

export interface Rotation {
  readonly sessionId: SessionId;
  readonly expectedGeneration: number;
  /** `expectedGeneration + 1`, or + 2 where a token one ahead of the row is adopted. */
  readonly newGeneration: number;
  readonly keyId: number;
  readonly tokenHash: Uint8Array;
  readonly hashKeyId: string;
  readonly rotationId: Uint8Array;
  /** A new salt (16 bytes): every token that was derived before is a stranger's from then on. */
  readonly newSalt?: Uint8Array;
  readonly attempt?: Uint8Array;
  /** The new idle expiry is the store's now plus this, never past the absolute expiry. */
  readonly idleTtlMs: number;
  /** Given when the session was last seen over a minute ago. */
  readonly origin?: Origin;
  readonly context: ActContext;
}

/** `won`: this caller's rotation was committed; `sessionEpoch` is the row's, as it was then. Otherwise `session` is the row as it is now, to be judged again. */
export type RotationOutcome =
  | { readonly won: true; readonly sessionEpoch: number }
  | { readonly won: false; readonly session: Session | undefined };

export interface Sessions {
  /** Starts the session; when this resolves, the oldest ones above the limits have ended for it. Returns the store's time of the login. */
  createSession(session: NewSession): Promise<AtStoreTime<void>>;
  findSession(sessionId: SessionId): Promise<AtStoreTime<Session | undefined>>;
  /** One conditional update on (session, generation, alive, not expired). Of N callers exactly one wins; the rest get the row as it is then. */
  rotateSession(rotation: Rotation): Promise<AtStoreTime<RotationOutcome>>;
  /** Rotation off: writes the refresh's effect (and last seen, at most once a minute) while the session lives. False: it does not live any more. */
  keepSession(input: {
    readonly sessionId: SessionId;
    readonly generation: number;
    readonly origin?: Origin;
    readonly context: ActContext;
  }): Promise<AtStoreTime<boolean>>;
  /** Keeps a loser's attempt id while the generation stands and the overlap runs; beyond `maxLoserAttempts` it is dropped. */
  recordLoserAttempt(input: {
    readonly sessionId: SessionId;
    readonly generation: number;
    readonly attempt: Uint8Array;
    readonly overlapMs: number;
  }): Promise<void>;
  /**
   * The verdict of reuse, taken inside the store: the session ends only while the presented generation is older than the
   * predecessor, or is the predecessor outside the overlap by the store's clock. Of N callers one ends it. `false`: the row
   * did not bear the verdict out.
   */
  endReusedSession(input: {
    readonly sessionId: SessionId;
    readonly presentedGeneration: number;
    readonly overlapMs: number;
    readonly context: ActContext;
  }): Promise<boolean>;
  /**
   * Ends a live session. Idempotent; returns whether this caller ended it. With `userId`, only a session of that user; with `keyId`, only
   * while its current token is derived with that root key.
   */
  endSession(input: {
    readonly sessionId: SessionId;
    readonly userId?: UserId;
    readonly keyId?: number;
    readonly cause: EndCause;
    readonly context: ActContext;
  }): Promise<boolean>;
  /** Ends the user's live sessions but one. Returns how many this caller ended. */
  endSessionsOfUser(input: {
    readonly userId: UserId;
    readonly except?: SessionId;
    readonly cause: EndCause;
    readonly context: ActContext;
  }): Promise<number>;
  /** Lifts a live session of `fromEpoch` to `toEpoch` (password change). False: it is dead, or has another epoch. */
  adoptEpoch(input: {
    readonly sessionId: SessionId;
    readonly fromEpoch: number;
    readonly toEpoch: number;
  }): Promise<boolean>;
  /** Live sessions of one epoch, newest first. */
  listSessions(input: {
    readonly userId: UserId;
    readonly sessionEpoch: number;
    readonly limit: number;
  }): Promise<readonly Session[]>;
  /** Where the row's rotation id is the given one (a commit of unknown outcome was ours), restarts the overlap. */
  settleRotation(input: { readonly sessionId: SessionId; readonly rotationId: Uint8Array }): Promise<boolean>;
}

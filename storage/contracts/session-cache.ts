import type { DeviceId, EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';

/** Whose a session is, kept beside the store for a quick look. It says nothing about whether the session lives: the store does, and the feed. */
export interface CachedSession {
  readonly sessionId: SessionId;
  readonly realmId: RealmId;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly deviceKey: Uint8Array;
  readonly expiresAtMs: EpochMs;
}

export interface SessionCache {
  /** Rejects with StoreUnavailable where the cache is away. */
  put(session: CachedSession): Promise<void>;
  forget(realmId: RealmId, sessionId: SessionId): Promise<void>;
  close(): void;
}

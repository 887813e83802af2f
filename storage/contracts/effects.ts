/**
 * Effects: an append-only list, written in the same atomic step as the change that they tell of. Audit, outbox and the
 * revocation feed drain from it at least once; the effect id is their idempotency key. Whoever serves sessions or accounts
 * serves effects.
 */
import type { EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';
import type { ActContext } from './store.ts';

export const effectVersion = 1;

export type Act =
  | 'user.created'
  | 'user.deleted'
  | 'user.disabled'
  | 'user.enabled'
  | 'user.roles_changed'
  | 'user.sessions_ended'
  | 'user.erased'
  | 'user.imported'
  | 'password.changed'
  | 'password.change_failed'
  | 'login.failed'
  | 'session.started'
  | 'session.refreshed'
  | 'session.ended'
  | 'session.adopted_ahead'
  | 'session.lost'
  | 'refresh.reused'
  | 'refresh.overlap_foreign'
  | 'device.registered'
  | 'device.revoked'
  | 'key.added'
  | 'key.rotated'
  | 'key.expired'
  | 'key.withdrawn'
  | 'key.removed'
  | 'root_key.removed'
  | 'limit.hit'
  | 'audit.read'
  | 'events.replayed'
  | 'credential.created'
  | 'credential.revoked'
  | 'credential.refused'
  | 'admin.read'
  | 'store.restored';

export type EffectData = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** An act without a change of its own (a failed login), appended by itself. */
export interface EffectDraft {
  readonly act: Act;
  readonly realmId: RealmId;
  readonly userId?: UserId;
  readonly sessionId?: SessionId;
  readonly data?: EffectData;
  readonly context: ActContext;
}

export interface Effect extends EffectDraft {
  /** UUIDv7, the idempotency key of everything that drains from here. */
  readonly id: string;
  /** Where the store keeps it until it is removed. Only the store reads it. */
  readonly position: string;
  readonly version: typeof effectVersion;
  readonly atMs: EpochMs;
}

export interface EffectsPage {
  readonly effects: readonly Effect[];
  /** About when the oldest happened that has been committed and is not among them; undefined: these are all. */
  readonly restSinceMs?: EpochMs;
}

export interface Effects {
  /** Appends acts that change nothing else. N callers: every draft appears once. */
  appendEffects(drafts: readonly EffectDraft[]): Promise<void>;
  /**
   * The oldest effects that have not been removed, at most `limit`; fewer do not mean that these were all, none does. Effects of one
   * user come in the order of their times, also where several stores keep them. Several readers may see the same ones.
   */
  readEffects(limit: number): Promise<readonly Effect[]>;
  /** The same, and how far back reaches what is left: so can the list be made one with another store's. */
  readEffectsPage(limit: number): Promise<EffectsPage>;
  /** Removes exactly these, which have been drained; whatever was committed meanwhile stays. Idempotent. */
  removeEffects(drained: readonly Effect[]): Promise<void>;
}

import type { EpochMs, RealmId } from '@sallyport/contract';

/** An event leaves through the outbox. It is made from an effect, whose id it carries. */
export interface OutboxEvent {
  readonly effectId: string;
  readonly realmId: RealmId;
  /** `USER_CREATED`, … */
  readonly type: string;
  readonly version: number;
  /** The user id: order holds within one key. */
  readonly key: string;
  /** JSON text without secrets. */
  readonly data: string;
  readonly atMs: EpochMs;
}

export interface Outbox {
  /** Appends once per effect id, however often it is called, in the order given. */
  appendEvents(events: readonly OutboxEvent[]): Promise<void>;
  /** Events after a position, oldest first. */
  readEvents(afterPosition: number, limit: number): Promise<readonly (OutboxEvent & { readonly position: number })[]>;
}

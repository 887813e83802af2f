/**
 * The outbox: events on their way out. Whether an event still has to leave is a state of its row and no position that a reader has come
 * to, so one that was committed late is not passed over. Relays share the work by partitions of keys, each leased to one of them at a time.
 */
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

/** `pending`: not sent yet, or to be tried again. `published`: taken by the receiver. `dead`: refused too often; only a replay sends it. */
export const eventStates = ['pending', 'published', 'dead'] as const;
export type EventState = (typeof eventStates)[number];

export interface StoredEvent extends OutboxEvent {
  /** Rises in the order of appending. */
  readonly position: number;
  readonly state: EventState;
  /** How often it was refused since it was appended or replayed. */
  readonly tries: number;
  readonly publishedAtMs?: EpochMs;
  /** Why it was refused the last time; no secret, no personal data. */
  readonly reason?: string;
}

/** All that are given have to fit. */
export interface EventFilter {
  readonly type?: string;
  readonly key?: string;
  readonly state?: EventState;
  /** When what it tells of happened: from, and before. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Keys are spread over so many partitions by their last digit, which is random in a UUIDv7 (RFC 9562 §5.7). */
export const partitionCount = 16;

/** A partition that has something to send, or is held though it has nothing. */
export interface PartitionState {
  readonly partition: number;
  readonly pending: boolean;
  /** Who holds it by the store's clock; undefined: nobody. */
  readonly holder?: string;
  /** How long the lease still runs, by the store's clock; 0: it is free. */
  readonly heldForMs: number;
}

export interface Lease {
  readonly partition: number;
  /** Rises with every change of the holder: what an earlier holder still says is not listened to. */
  readonly fence: number;
}

export interface Settlement {
  readonly lease: Lease;
  readonly holder: string;
  readonly published: readonly string[];
  /** Refused, each with why and when it may be tried again. */
  readonly retries: readonly { readonly effectId: string; readonly reason: string; readonly retryInMs: number }[];
  /** Refused for the last time. */
  readonly dead: readonly { readonly effectId: string; readonly reason: string }[];
  /** Gives the partition back in the same step. */
  readonly release: boolean;
}

/** They are asked for every few seconds, also while a receiver has been away for days: what is counted ends somewhere. */
export const mostCounted = 100_000;

export interface OutboxFigures {
  /** At most `mostCounted`: then there may be more. */
  readonly pending: number;
  /** The same. */
  readonly dead: number;
  /** How long what stands first in any partition has been waiting; 0: nothing is. */
  readonly oldestPendingMs: number;
}

export interface Outbox {
  /** Appends once per effect id, however often it is called, in the order given. */
  appendEvents(events: readonly OutboxEvent[]): Promise<void>;
  /** Those that fit, in the order of their positions, from behind `after` on. */
  listEvents(
    filter: EventFilter & { readonly after?: number; readonly limit: number },
  ): Promise<readonly StoredEvent[]>;
  /** Calls back when events were appended here or, where the store can tell, by another process. Returns how to stop. It may be late or not come. */
  onAppend(wake: () => void): () => void;
  /** Every partition with something pending, and every one that is held. */
  readPartitions(): Promise<readonly PartitionState[]>;
  /**
   * Takes or renews leases for `leaseMs` of the store's clock. Of N callers at once each partition goes to one; those that another holds
   * are left out. Whoever holds one already keeps its fence.
   */
  claimPartitions(input: {
    readonly holder: string;
    readonly partitions: readonly number[];
    readonly leaseMs: number;
  }): Promise<readonly Lease[]>;
  /**
   * The first pending events of each partition, at most `limitEach`, in the order of their positions. Left out are those that wait for
   * their next try and, for the sake of order, what comes after them under the same key.
   */
  readPending(input: {
    readonly partitions: readonly number[];
    readonly limitEach: number;
  }): Promise<readonly (OutboxEvent & { readonly partition: number; readonly tries: number })[]>;
  /**
   * Writes down what became of events. False, and nothing is written: the lease has gone to another holder. An event that is no longer
   * pending stays as it is.
   */
  settleEvents(settlement: Settlement): Promise<boolean>;
  /** Makes those that are published or dead pending again, under the ids that they have. Returns how many. */
  replayEvents(effectIds: readonly string[]): Promise<number>;
  countEvents(): Promise<OutboxFigures>;
}

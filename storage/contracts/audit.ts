/**
 * The audit trail: records of acts, which stay, in one chain of hashes. A record arrives without a place in the chain; whoever seals
 * gives places, in order. What is hashed how is the business of `auth/audit`: a store keeps what it is given and lets nothing in twice.
 */
import type { EpochMs, RealmId } from '@sallyport/contract';

/** Where a record was first written down. A boot's numbers have no gap: one that is missing has been taken away. */
export interface AuditOrigin {
  readonly node: string;
  /** Random, of one run of a process. */
  readonly boot: string;
  /** From 1. */
  readonly number: number;
}

/** An audit record stays. It is made from an effect, whose id it carries. */
export interface AuditRecord {
  readonly effectId: string;
  readonly realmId: RealmId;
  readonly eventType: string;
  readonly actor: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly deviceId?: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly requestId: string;
  /** JSON text without secrets. */
  readonly details: string;
  readonly atMs: EpochMs;
  readonly origin?: AuditOrigin;
  /** Shows that an issuer has written it; made and checked in `auth/audit`. */
  readonly mac?: string;
}

/** A record's place in the chain. Hashes are 64 hexadecimal digits. */
export interface AuditSeal {
  /** From 1, without a gap. */
  readonly place: number;
  readonly hash: string;
  /** Commits to what is personal in the record without telling it. */
  readonly personHash: string;
  /** Random; gone with what is personal, once that has been erased. */
  readonly personSalt?: string;
}

export interface SealedRecord extends AuditRecord {
  readonly seal: AuditSeal;
}

export interface ChainHead {
  /** 0: nothing is sealed yet. */
  readonly place: number;
  readonly hash: string;
}

/** Signed by whoever seals: up to this place the chain was this one. `cut`: what stood up to here has been removed for its age. */
export interface AuditCheckpoint extends ChainHead {
  readonly kind: 'head' | 'cut';
  readonly atMs: EpochMs;
  readonly keyId: string;
  readonly signature: string;
}

export interface AuditFilter {
  readonly realmId: RealmId;
  readonly userId?: string;
  readonly eventType?: string;
  readonly address?: string;
  readonly sinceMs?: number;
  /** Exclusive. */
  readonly untilMs?: number;
  /** Effect id: only older records. */
  readonly before?: string;
  readonly limit: number;
}

/** What an erasure leaves in the trail: from its arrival on, nothing personal of its user is there. */
export const erasureEventType = 'account_erased';

export interface Audit {
  /**
   * Appends once per effect id, however often it is called. Of a person who has been erased, nothing personal is written; where the
   * record of an erasure arrives, what is there of its user loses it.
   */
  appendAudit(records: readonly AuditRecord[]): Promise<void>;
  /** Newest first. */
  listAudit(filter: AuditFilter): Promise<readonly AuditRecord[]>;

  /** The oldest records without a place that have not been carried elsewhere. */
  readUnsealed(limit: number): Promise<readonly AuditRecord[]>;
  readChainHead(): Promise<ChainHead>;
  /**
   * Gives places behind `expected`. False, and nothing is changed, where the head is another by now, or a record has changed since it
   * was read. So of N callers at once one seals.
   */
  sealAudit(expected: ChainHead, records: readonly SealedRecord[]): Promise<boolean>;
  /** Sealed records behind a place, in order. */
  readSealed(afterPlace: number, limit: number): Promise<readonly SealedRecord[]>;
  /** True where nobody else has it: of N callers one, until `ttlMs` after his last call by the store's clock. */
  leaseSealing(input: { readonly holder: string; readonly ttlMs: number }): Promise<boolean>;
  appendCheckpoint(checkpoint: AuditCheckpoint): Promise<void>;
  /** In the order of their places. */
  listCheckpoints(input: {
    readonly kind: AuditCheckpoint['kind'];
    readonly afterPlace: number;
    readonly limit: number;
  }): Promise<readonly AuditCheckpoint[]>;
  /** The last of the first `limit` sealed records that are all older than `keepMs` by the store's clock; undefined: the first one is not. */
  findCut(input: { readonly keepMs: number; readonly limit: number }): Promise<ChainHead | undefined>;
  /** In one step: what stands up to the checkpoint's place goes, and the checkpoint takes the place of all before it. Returns how many went. */
  cutAudit(checkpoint: AuditCheckpoint): Promise<number>;
}

export interface ChainLink {
  readonly expected: ChainHead;
  /** One for each record, in order. */
  readonly seals: readonly AuditSeal[];
}

export interface Collected {
  /** How many were new. */
  readonly fresh: number;
  readonly sealed: boolean;
}

/** Where records are first written down, in the store of the acts; and where audit is kept in another one, they wait here until that has them. */
export interface AuditSpool {
  /**
   * As `appendAudit`, in the store where the acts are. What is new gets the node and boot of `from`, and numbers from its own on, in the
   * order given. With `chain`, they get their seals at once where all of them are new, of nobody who was erased, and the head is the expected one;
   * else they wait like others for whoever seals.
   */
  collectAudit(records: readonly AuditRecord[], from: AuditOrigin, chain?: ChainLink): Promise<Collected>;
  /** As `Audit.readUnsealed`. */
  readUnsealed(limit: number): Promise<readonly AuditRecord[]>;
  /**
   * They have arrived. They are remembered for a while all the same: another node may be about to append them once more, and would
   * have them delivered again.
   */
  markDelivered(effectIds: readonly string[]): Promise<void>;
  /** Delivered longer ago than `keepMs`. */
  removeDelivered(input: { readonly keepMs: number; readonly limit: number }): Promise<number>;
  /** `oldestAtMs`: the act's time, of the oldest that waits. `atMost`: no more are counted. */
  countWaiting(atMost: number): Promise<{ readonly waiting: number; readonly oldestAtMs: number | undefined }>;
}

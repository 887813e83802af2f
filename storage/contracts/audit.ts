import type { EpochMs, RealmId } from '@sallyport/contract';

/** An audit record stays. It is made from an effect, whose id it carries. */
export interface AuditRecord {
  readonly effectId: string;
  readonly realmId: RealmId;
  readonly eventType: string;
  readonly actor: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly requestId: string;
  /** JSON text without secrets. */
  readonly details: string;
  readonly atMs: EpochMs;
}

export interface Audit {
  /** Appends once per effect id, however often it is called. */
  appendAudit(records: readonly AuditRecord[]): Promise<void>;
  /** Newest first. */
  listAudit(input: {
    readonly realmId: RealmId;
    readonly userId?: string;
    readonly eventType?: string;
    readonly limit: number;
  }): Promise<readonly AuditRecord[]>;
}

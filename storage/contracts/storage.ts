import type { Accounts } from './accounts.ts';
import type { Audit, AuditSpool } from './audit.ts';
import type { Canaries } from './canaries.ts';
import type { Companions } from './companions.ts';
import type { Counters } from './counters.ts';
import type { Credentials } from './credentials.ts';
import type { Devices } from './devices.ts';
import type { Effects } from './effects.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { Keys } from './keys.ts';
import type { Nonces } from './nonces.ts';
import type { Outbox } from './outbox.ts';
import type { Recovery } from './recovery.ts';
import type { Revocations } from './revocations.ts';
import type { RootKeys } from './root-keys.ts';
import type { Sessions } from './sessions.ts';

/** Every contract. A driver may serve some of them only; what the issuer is given serves all. */
export interface Storage {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly nonces: Nonces;
  /** The same in the store that goes back to no earlier state by itself, for what must neither be replayed nor wait for a new Redis. */
  readonly lastingNonces: Nonces;
  readonly counters: Counters;
  readonly credentials: Credentials;
  readonly keys: Keys;
  readonly revocations: Revocations;
  readonly effects: Effects;
  readonly audit: Audit;
  readonly auditSpool: AuditSpool;
  readonly outbox: Outbox;
  readonly companions: Companions;
  readonly canaries: Canaries;
  readonly housekeeping: Housekeeping;
  readonly recovery: Recovery;
  readonly rootKeys: RootKeys;
  /** Rejects with StoreUnavailable while the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
  readonly schema: SchemaState;
  /** Since the opening, by this process. */
  readonly stats: StoreStats;
}

/** Of the SQL that most of the store stands in, as its opening left it. */
export interface SchemaState {
  readonly driver: 'sqlite' | 'postgres';
  readonly version: number;
  /** What the opening brought up to date, in its order: `8 credentials`. Empty: nothing was to be done. */
  readonly applied: readonly string[];
}

export interface StoreStats {
  /** Transactions that were answered, each after one wait for the disk. */
  readonly batches: number;
  /** Write verbs in them. */
  readonly verbs: number;
  /** Where the store is asked over a pool of connections. */
  readonly pool?: PoolStats;
}

/** Connections at this moment. */
export interface PoolStats {
  /** At most so many. */
  readonly size: number;
  /** Those that a verb, or several reads together, are on. */
  readonly inUse: number;
  readonly idle: number;
  /** Verbs for which none is free; reads that share one count once. */
  readonly waiting: number;
}

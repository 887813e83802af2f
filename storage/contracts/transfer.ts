/**
 * Carrying a whole store into another one, of the same kind or not. Whoever opens a store for it has it alone: nobody else works on it
 * meanwhile, where the store can know that. Rows travel in one form that every driver reads and writes; what is sealed stays sealed.
 */

/** In the order in which they are carried: what others refer to comes first. */
export const transferTables = [
  'realms',
  'companions',
  'users',
  'devices',
  'signing_keys',
  'credentials',
  'sessions',
  'ended_sessions',
  'revocations',
  'nonces',
  'counters',
  'effects',
  'audit',
  'audit_chain',
  'audit_checkpoints',
  'outbox',
] as const;

export type TransferTable = (typeof transferTables)[number];

/** Ids as lower-case text, bytes as hex, lists as JSON text without spaces; times in milliseconds. */
export type TransferRow = Readonly<Record<string, string | number | boolean | null>>;

/** Where a table is read on. Only the store that gave it reads it. */
export type TransferKey = readonly (string | number)[];

export interface TransferPage {
  readonly rows: readonly TransferRow[];
  /** Of the last row; undefined: there was none, the end is reached. */
  readonly last: TransferKey | undefined;
}

/** The newest positions that were ever given: they are not given again, though the rows are gone. */
export interface TransferHeads {
  readonly revocations: number;
  readonly outbox: number;
}

export interface TransferSource {
  /** Rows after a key, in the order of keys; effects and lists with positions in the order in which they were written. */
  exportRows(input: {
    readonly table: TransferTable;
    readonly after: TransferKey | undefined;
    readonly limit: number;
  }): Promise<TransferPage>;
  countRows(table: TransferTable): Promise<number>;
  readHeads(): Promise<TransferHeads>;
  /** Remembers that a copy has begun, until it is said again or a server starts on this store. */
  noteCopy(copyId: string): Promise<void>;
  /** The copy that was noted, where no server has started since. */
  readCopyNote(): Promise<string | undefined>;
  /** What `beginImport` and the imports after it have written: until `finishImport`, no server starts on this store. */
  readMark(): Promise<string | undefined>;
}

export interface TransferTarget extends TransferSource {
  /** Marks the store as incomplete. */
  beginImport(mark: string): Promise<void>;
  /**
   * Writes rows and the next mark in one step, so that a copy that was cut off goes on exactly where it stood. False, and nothing is
   * written, where the mark is not the expected one. Positions stay as they are; effects are put behind each other in the given order.
   */
  importRows(input: {
    readonly table: TransferTable;
    readonly rows: readonly TransferRow[];
    readonly mark: string;
    readonly nextMark: string;
  }): Promise<boolean>;
  /**
   * In one step: the mark goes, servers may start, and the store has the given incarnation, so that no cursor into the source's feed is
   * believed here. False where the mark is not the expected one.
   */
  finishImport(input: {
    readonly mark: string;
    readonly incarnation: string;
    readonly heads: TransferHeads;
  }): Promise<boolean>;
}

/** Where sessions go that another store than SQL shall keep. */
export interface SessionTransfer {
  /** Marks it as incomplete. Rejects where a server has worked on it already. */
  begin(): Promise<void>;
  /** Rows of the table `sessions`; those that are there are replaced. What nobody can use any more for its age is left out. */
  importSessions(rows: readonly TransferRow[]): Promise<void>;
  /** How many of the rows are there with the same token, or need not be for their age. */
  countHeld(rows: readonly TransferRow[]): Promise<number>;
  /** Servers may start. */
  finish(): Promise<void>;
  close(): void;
}

export interface Transfer extends TransferTarget {
  close(): Promise<void>;
}

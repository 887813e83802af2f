import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { EpochMs } from '@sallyport/contract';

export type SqlRow = Record<string, SQLOutputValue>;

/** What a verb works with, inside the writer thread: prepared statements and the store's clock, read once per verb. */
export interface Transaction {
  readonly nowMs: EpochMs;
  /** Prepares on first use and keeps the statement. */
  run(sql: string, ...values: SQLInputValue[]): { readonly changes: number };
  get(sql: string, ...values: SQLInputValue[]): SqlRow | undefined;
  all(sql: string, ...values: SQLInputValue[]): SqlRow[];
  /** Takes back what the verb has done so far. */
  undo(): void;
}

export const createStatements = (db: DatabaseSync): ((sql: string) => StatementSync) => {
  const kept = new Map<string, StatementSync>();
  return (sql) => {
    let statement = kept.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      kept.set(sql, statement);
    }
    return statement;
  };
};

export const createTransaction = (statements: (sql: string) => StatementSync, nowMs: EpochMs): Transaction => ({
  nowMs,
  run: (sql, ...values) => ({ changes: Number(statements(sql).run(...values).changes) }),
  get: (sql, ...values) => statements(sql).get(...values),
  all: (sql, ...values) => statements(sql).all(...values),
  undo: () => void statements('ROLLBACK TO verb').run(),
});

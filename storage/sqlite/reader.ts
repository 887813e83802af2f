import type { SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../contracts/store.ts';
import { isBusy, openForReading } from './database.ts';
import { createStatements, type SqlRow } from './transaction.ts';

export interface Reader {
  get(sql: string, ...values: SQLInputValue[]): Promise<SqlRow | undefined>;
  all(sql: string, ...values: SQLInputValue[]): Promise<SqlRow[]>;
  close(): void;
}

const busyTries = 200;
const busyPauseMs = 5;

/** Point reads in the serving thread. A reader meets a lock only while another process recovers the log after a crash; it waits without blocking the thread. */
export const openReader = (file: string): Reader => {
  const db = openForReading(file);
  const statements = createStatements(db);
  return {
    get: (sql, ...values) => withRetry(() => statements(sql).get(...values)),
    all: (sql, ...values) => withRetry(() => statements(sql).all(...values)),
    close: () => db.close(),
  };
};

const withRetry = async <T>(read: () => T): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return read();
    } catch (error) {
      if (tries >= busyTries || !isBusy(error)) throw new StoreUnavailable(error);
      await sleep(busyPauseMs);
    }
  }
};

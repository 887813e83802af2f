import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { UserId } from '@sallyport/contract';

export const categories = ['food', 'home', 'transport', 'health', 'fun', 'other'] as const;
export type Category = (typeof categories)[number];

export interface Expense {
  readonly id: string;
  /** `2026-11-22`, a day of the user's own calendar. */
  readonly day: string;
  /** In the currency's minor unit: cents. A whole number, so that sums are exact. */
  readonly amount_minor: number;
  readonly category: Category;
  readonly note: string;
}

export interface Expenses {
  /** The user's own, of a month such as `2026-11`, latest first. */
  ofMonth(userId: UserId, month: string): readonly Expense[];
  /** False: the user has reached the limit. */
  add(userId: UserId, expense: Expense): boolean;
  /** False: not one of this user's. */
  remove(userId: UserId, id: string): boolean;
  isReady(): boolean;
  close(): void;
}

/** For each user; a row takes about 100 bytes. */
const maxPerUser = 10_000;

const tables = `
  CREATE TABLE IF NOT EXISTS expenses (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, day TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    category TEXT NOT NULL, note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS expenses_of_user ON expenses (user_id, day);`;

/** Opens `expenses.db` in the data folder. An answered write is on the disk. */
export const openExpenses = (dataDir: string): Expenses => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dataDir, 'expenses.db'), { timeout: 2_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec(tables);
  const select = database.prepare(
    `SELECT id, day, amount_minor, category, note FROM expenses
     WHERE user_id = ? AND day >= ? AND day <= ? ORDER BY day DESC, rowid DESC`,
  );
  // Counted and written in one statement: parallel requests cannot go past the limit.
  const insert = database.prepare(
    `INSERT INTO expenses (id, user_id, day, amount_minor, category, note)
     SELECT ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM expenses WHERE user_id = ?) < ${maxPerUser}`,
  );
  // Whose it is stands in the statement: another user's id finds nothing.
  const remove = database.prepare('DELETE FROM expenses WHERE id = ? AND user_id = ?');
  return {
    ofMonth: (userId, month) => select.all(userId, `${month}-01`, `${month}-31`) as unknown as Expense[],
    add: (userId, { id, day, amount_minor, category, note }) =>
      insert.run(id, userId, day, amount_minor, category, note, userId).changes === 1,
    remove: (userId, id) => remove.run(id, userId).changes === 1,
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

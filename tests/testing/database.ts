import { existsSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** One query on a read-only connection of its own, beside the running server. */
export const query = (file: string, sql: string): Readonly<Record<string, unknown>>[] => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
};

export interface RowCounts {
  readonly users: number;
  readonly sessions: number;
}

export const rowCounts = (file: string): RowCounts => {
  const [row] = query(
    file,
    'SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM sessions) AS sessions',
  );
  return { users: Number(row?.['users']), sessions: Number(row?.['sessions']) };
};

/** Every byte that lies on the disk: the database and its write-ahead log. */
export const allBytes = (file: string): Buffer =>
  Buffer.concat([file, `${file}-wal`].filter((path) => existsSync(path)).map((path) => readFileSync(path)));

import { DatabaseSync } from 'node:sqlite';

/** The WAL-reset bug corrupts databases in versions before this one (sqlite.org, 3.51.3 release notes). */
const oldestSqlite = [3, 51, 3] as const;

export const assertSqliteVersion = (version: string): void => {
  const parts = version.split('.').map(Number);
  for (const [index, wanted] of oldestSqlite.entries()) {
    const part = parts[index] ?? 0;
    if (part > wanted) return;
    if (part < wanted)
      throw new Error(`SQLite ${version} is refused: below ${oldestSqlite.join('.')} it has the WAL-reset bug`);
  }
};

const sqliteBusy = 5;

const writerPragmas = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -16384;
  PRAGMA secure_delete = FAST;
`;

/**
 * The one connection that writes. It waits for no lock by itself: the writer thread does that, fairly.
 * `synchronous=FULL` makes every COMMIT in WAL mode wait for the disk. `secure_delete=FAST`: what is deleted or erased is overwritten in
 * the pages that are written anyway, and does not lie on in their free space.
 */
export const openForWriting = (file: string): DatabaseSync => {
  assertSqliteVersion(process.versions['sqlite'] ?? '0');
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec(writerPragmas);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
};

/**
 * The same with the file for itself until it is closed: in WAL mode whoever has it open holds it, and this lock is not given then.
 * @throws Error where somebody else has it open
 */
export const openAlone = (file: string): DatabaseSync => {
  assertSqliteVersion(process.versions['sqlite'] ?? '0');
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    // Before the first access: then the index of the log lives in this process, and nobody can share it.
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; ${writerPragmas} BEGIN EXCLUSIVE; COMMIT`);
    return db;
  } catch (error) {
    db.close();
    throw isBusy(error) ? new Error(`${file} is in use: stop every server that works on it`) : error;
  }
};

/** The low byte is the primary code; SQLITE_BUSY_RECOVERY and SQLITE_BUSY_SNAPSHOT are busy too. */
export const isBusy = (error: unknown): boolean => {
  const code = (error as { readonly errcode?: unknown }).errcode;
  return typeof code === 'number' && (code & 0xff) === sqliteBusy;
};

/** Reads in the thread that serves requests: never waits for a lock. In WAL mode a reader sees every transaction that was committed before its statement began. */
export const openForReading = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  db.exec('PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16384; PRAGMA query_only = ON;');
  return db;
};

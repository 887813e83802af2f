import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { SchemaState } from '../contracts/storage.ts';
import { sqliteMigrations } from '../migrations/sqlite/index.ts';

/** Thrown at start, never while serving. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

const versionTable = `CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at_ms INTEGER NOT NULL
) STRICT`;

/**
 * Brings the schema up to date inside one transaction whose write lock is the migration lock: of N processes at a first
 * boot one migrates, the others wait for the lock and find it done. A schema newer than this code is refused.
 */
export const migrate = (db: DatabaseSync, begin: () => void, nowMs: number): SchemaState => {
  begin();
  try {
    const applied = applyPending(db, nowMs);
    db.exec('COMMIT');
    return applied;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
};

const applyPending = (db: DatabaseSync, nowMs: number): SchemaState => {
  db.exec(versionTable);
  const row = db.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_versions').get();
  const present = Number(row?.['version'] ?? 0);
  const newest = sqliteMigrations.at(-1)?.version ?? 0;
  if (present > newest) {
    throw new SchemaTooNew(
      `the database has schema ${present}, this version of Sallyport knows ${newest}: use a newer Sallyport`,
    );
  }
  const pending = sqliteMigrations.filter((migration) => migration.version > present);
  for (const { version, name, sql } of pending) {
    db.exec(sql);
    db.prepare('INSERT INTO schema_versions (version, name, applied_at_ms) VALUES (?, ?, ?)').run(version, name, nowMs);
  }
  if (present === 0) seedFirstRows(db, nowMs);
  return { driver: 'sqlite', version: newest, applied: pending.map(({ version, name }) => `${version} ${name}`) };
};

/** The default realm, and the incarnation that names this store's history (gateway.md: cursor = incarnation + position). */
const seedFirstRows = (db: DatabaseSync, nowMs: number): void => {
  db.prepare("INSERT INTO realms (id, created_at_ms) VALUES ('main', ?)").run(nowMs);
  db.prepare("INSERT INTO store_meta (key, value) VALUES ('incarnation', ?)").run(
    randomBytes(12).toString('base64url'),
  );
};

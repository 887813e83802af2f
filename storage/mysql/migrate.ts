import { auditLogColumns, auditLogIndexes, auditLogs } from '../migrations/mysql/0001-audit-logs.ts';
import { type Link, MySqlRefused, type Speaker } from './link.ts';

/** Others may be migrating, and the table may be large. */
const migrationLimitMs = 10 * 60_000;
const lockName = 'sallyport audit migration';

/**
 * Of N processes at a first start one adds what is missing, the others wait for it. `check`: changes nothing.
 * @throws MySqlRefused where something is missing and may not be added
 */
export const migrate = (link: Link, mode: 'apply' | 'check'): Promise<void> =>
  link.run(async (speaker) => {
    if ((await missingColumns(speaker)).length === 0 && (await hasTables(speaker))) return;
    if (mode === 'check') throw new MySqlRefused(wayOut);
    const [locked] = await speaker.rows('SELECT GET_LOCK(?, 300) AS locked', [lockName]);
    if (Number(locked?.['locked']) !== 1) throw new MySqlRefused('has been migrated by another process for too long');
    try {
      for (const statement of auditLogs) await speaker.command(statement);
    } finally {
      await speaker.rows('SELECT RELEASE_LOCK(?)', [lockName]);
    }
  }, migrationLimitMs);

const wayOut =
  'lacks columns or indexes of audit_logs, or the tables beside it: run scripts/database/update_audit_logs.sql, or set AUDIT_DATABASE_MIGRATE=apply';

const missingColumns = async (speaker: Speaker): Promise<readonly string[]> => {
  const rows = await speaker.rows(
    "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'audit_logs'",
  );
  const present = new Set(rows.map(({ name }) => String(name).toLowerCase()));
  return auditLogColumns.map(({ name }) => name).filter((name) => !present.has(name));
};

const hasTables = async (speaker: Speaker): Promise<boolean> => {
  const [row] = await speaker.rows(
    `SELECT COUNT(*) AS count FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name IN ('audit_log_chain', 'audit_log_checkpoints')`,
  );
  const indexes = await speaker.rows(
    `SELECT DISTINCT index_name AS name FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND table_name = 'audit_logs'`,
  );
  const present = new Set(indexes.map(({ name }) => String(name)));
  return Number(row?.['count']) === 2 && auditLogIndexes.every(({ name }) => present.has(name));
};

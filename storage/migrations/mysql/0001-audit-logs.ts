/**
 * Audit in MySQL and MariaDB (contracts/edge-gateway.md). The table may be there already, with rows and columns of somebody else's: only
 * columns are added, all of them nullable, and it can be run twice. `ADD COLUMN IF NOT EXISTS` is MariaDB's alone, so that each
 * statement asks the catalogue first; a client that speaks plain SQL can run it.
 */

interface Column {
  readonly name: string;
  readonly type: string;
}

const ascii = 'CHARACTER SET ascii COLLATE ascii_bin';
const hash = `CHAR(64) ${ascii}`;
const id = `CHAR(36) ${ascii}`;

/** The contract's own, and behind them what idempotence, filters and the chain need. */
export const auditLogColumns: readonly Column[] = [
  { name: 'event_type', type: 'VARCHAR(50)' },
  { name: 'user_id', type: 'VARCHAR(128)' },
  { name: 'ip_address', type: 'VARCHAR(50)' },
  { name: 'user_agent', type: 'VARCHAR(500)' },
  { name: 'details', type: 'TEXT' },
  { name: 'created_at', type: 'DATETIME(3)' },
  { name: 'effect_id', type: id },
  { name: 'realm_id', type: 'VARCHAR(64)' },
  { name: 'actor', type: 'VARCHAR(16)' },
  { name: 'session_id', type: id },
  { name: 'device_id', type: id },
  { name: 'request_id', type: 'VARCHAR(64)' },
  { name: 'at_ms', type: 'BIGINT' },
  { name: 'node', type: `VARCHAR(64) ${ascii}` },
  { name: 'boot', type: `VARCHAR(32) ${ascii}` },
  { name: 'boot_number', type: 'BIGINT' },
  { name: 'mac', type: `VARCHAR(32) ${ascii}` },
  { name: 'place', type: 'BIGINT' },
  { name: 'hash', type: hash },
  { name: 'person_hash', type: hash },
  { name: 'person_salt', type: `CHAR(32) ${ascii}` },
];

export const auditLogIndexes: readonly { readonly name: string; readonly unique: boolean; readonly on: string }[] = [
  { name: 'sallyport_effect', unique: true, on: 'effect_id' },
  { name: 'sallyport_place', unique: true, on: 'place' },
  // What waits to be sealed stands together, however much of somebody else's has no place.
  { name: 'sallyport_open', unique: false, on: 'place, effect_id' },
  { name: 'sallyport_user', unique: false, on: 'user_id, effect_id' },
  // Whether somebody has been erased is asked before each write.
  { name: 'sallyport_type', unique: false, on: 'event_type, user_id' },
];

/** In the catalogue's tables `columns` and `statistics`. */
const unless = (catalogue: string, where: string, ddl: string): readonly string[] => [
  `SET @sallyport_step = IF((SELECT COUNT(*) FROM information_schema.${catalogue}
  WHERE table_schema = DATABASE() AND table_name = 'audit_logs' AND ${where}) = 0, '${ddl}', 'DO 0')`,
  'PREPARE sallyport_step FROM @sallyport_step',
  'EXECUTE sallyport_step',
  'DEALLOCATE PREPARE sallyport_step',
];

/** One statement each. */
export const auditLogs: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS audit_logs (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY
) DEFAULT CHARACTER SET utf8mb4`,
  ...auditLogColumns.flatMap(({ name, type }) =>
    unless('columns', `column_name = '${name}'`, `ALTER TABLE audit_logs ADD COLUMN ${name} ${type} NULL`),
  ),
  ...auditLogIndexes.flatMap(({ name, unique, on }) =>
    unless(
      'statistics',
      `index_name = '${name}'`,
      `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${name} ON audit_logs (${on})`,
    ),
  ),
  `CREATE TABLE IF NOT EXISTS audit_log_chain (
  id TINYINT NOT NULL PRIMARY KEY,
  place BIGINT NOT NULL,
  hash ${hash} NOT NULL,
  lease_holder VARCHAR(64) ${ascii} NULL,
  lease_until_ms BIGINT NOT NULL
)`,
  `INSERT INTO audit_log_chain (id, place, hash, lease_until_ms)
SELECT 1, 0, REPEAT('0', 64), 0 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM audit_log_chain)`,
  `CREATE TABLE IF NOT EXISTS audit_log_checkpoints (
  kind VARCHAR(8) ${ascii} NOT NULL,
  place BIGINT NOT NULL,
  hash ${hash} NOT NULL,
  at_ms BIGINT NOT NULL,
  key_id VARCHAR(16) ${ascii} NOT NULL,
  signature VARCHAR(128) ${ascii} NOT NULL,
  PRIMARY KEY (kind, place)
)`,
];

/** `scripts/database/update_audit_logs.sql`, for whoever lets nobody but himself change a schema. */
export const auditLogsScript = (): string =>
  [
    '-- Makes the table audit_logs what Sallyport writes to. It only adds columns, all of them nullable, and tables of its own; it can be run twice.',
    '-- Generated from storage/migrations/mysql/0001-audit-logs.ts by `npm run generate`; do not edit.',
    '-- mysql --host=… audit < scripts/database/update_audit_logs.sql',
    '',
    ...auditLogs.map((statement) => `${statement};`),
    '',
  ].join('\n');

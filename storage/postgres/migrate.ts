import type { Random } from '@sallyport/kit/random';
import type { SchemaState } from '../contracts/storage.ts';
import { type PostgresMigration, postgresMigrations } from '../migrations/postgres/index.ts';
import type { Connection } from './connection.ts';

/** Thrown at start, never while serving. */
export class SchemaRefused extends Error {
  override readonly name = 'SchemaRefused';
}

export interface MigrateOptions {
  readonly connection: Connection;
  /** As it is, and quoted. */
  readonly name: string;
  readonly schema: string;
  readonly random: Pick<Random, 'bytes'>;
  readonly migrations?: readonly PostgresMigration[];
}

/** Others may be migrating, and a table may be large. */
const migrationLimitMs = 10 * 60_000;

interface Present {
  readonly version: number;
  /** The least version that whoever uses it has to know. */
  readonly leastKnown: number;
}

/**
 * Brings the schema up to date in one transaction under an advisory lock: of N processes at a first boot one migrates, the others
 * wait and find it done. A schema that is up to date asks for no right to change it. A newer one is used as long as every migration
 * in it says that this version may. Returns what was applied.
 */
export const migrate = async (options: MigrateOptions): Promise<SchemaState> => {
  const { migrations = postgresMigrations, connection, schema } = options;
  const newest = migrations.at(-1)?.version ?? 0;
  const before = await presentVersion(options);
  if (before.version >= newest) {
    acceptNewer(before, newest);
    await followTransactions(options);
    return { driver: 'postgres', version: before.version, applied: [] };
  }
  const step = (sql: string) => connection.run(sql, [], migrationLimitMs);
  await step('BEGIN');
  // Ends with the transaction, and with the connection where that breaks.
  await connection.run(
    `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`,
    [`sallyport migration ${schema}`],
    migrationLimitMs,
  );
  const present = await presentVersion(options);
  acceptNewer(present, newest);
  const pending = migrations.filter(({ version }) => version > present.version);
  if (present.version === 0) await createSchema(options, step);
  for (const migration of pending) {
    await connection.runScript(migration.sql(schema), migrationLimitMs);
    const { version, name, leastKnown } = migration;
    const noted = `INSERT INTO ${schema}.schema_versions (version, name, least_known, applied_at_ms)
      VALUES ($1, $2, $3, floor(extract(epoch FROM clock_timestamp()) * 1000))`;
    await connection.run(noted, [version, name, leastKnown], migrationLimitMs);
  }
  if (present.version === 0) await seedFirstRows(options);
  await step('COMMIT');
  await followTransactions(options);
  const applied = pending.map(({ version, name }) => `${version} ${name}`);
  return { driver: 'postgres', version: Math.max(present.version, newest), applied };
};

/** Asks the catalogue itself: `to_regclass` may answer what it knew before the lock was waited for. */
const versionTable = `SELECT EXISTS (
  SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = 'schema_versions') AS exists`;

export const presentVersion = async ({
  connection,
  name,
  schema,
}: Pick<MigrateOptions, 'connection' | 'name' | 'schema'>): Promise<Present> => {
  const [table] = await connection.run(versionTable, [name], migrationLimitMs);
  if (table?.['exists'] !== true) return { version: 0, leastKnown: 0 };
  const [row] = await connection.run(
    `SELECT coalesce(max(version), 0) AS version, coalesce(max(least_known), 0) AS least_known FROM ${schema}.schema_versions`,
    [],
    migrationLimitMs,
  );
  return { version: Number(row?.['version']), leastKnown: Number(row?.['least_known']) };
};

const acceptNewer = ({ version, leastKnown }: Present, newest: number): void => {
  if (leastKnown <= newest) return;
  throw new SchemaRefused(
    `the database has schema ${version}, which wants a Sallyport that knows schema ${leastKnown} or later; this one knows ${newest}: use a newer Sallyport`,
  );
};

/** The schema may have been made by whoever owns the database, so that the role needs no right to make one. */
const createSchema = async (
  { connection, name, schema }: MigrateOptions,
  step: (sql: string) => Promise<unknown>,
): Promise<void> => {
  const [found] = await connection.run(
    `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS exists`,
    [name],
    migrationLimitMs,
  );
  if (found?.['exists'] !== true) await step(`CREATE SCHEMA ${schema}`);
  await step(`CREATE TABLE ${schema}.schema_versions (
    version integer PRIMARY KEY,
    name text NOT NULL,
    least_known integer NOT NULL,
    applied_at_ms bigint NOT NULL
  )`);
};

/** The default realm, and the incarnation that names this store's history (gateway.md: cursor = incarnation + position). */
const seedFirstRows = async ({ connection, schema, random }: MigrateOptions): Promise<void> => {
  await connection.run(
    `INSERT INTO ${schema}.realms (id, created_at_ms) VALUES ('main', ${schema}.now_ms())`,
    [],
    migrationLimitMs,
  );
  await connection.run(
    `INSERT INTO ${schema}.store_meta (key, value) VALUES ('incarnation', $1)`,
    [random.bytes(12).toString('base64url')],
    migrationLimitMs,
  );
};

/**
 * A dump that was restored into another server carries transaction numbers which are not this server's: rows with one that it has
 * yet to give would never be read. No running server can have such rows, so this changes nothing anywhere else.
 */
const followTransactions = async ({ connection, schema }: MigrateOptions): Promise<void> => {
  const foreign = `SELECT EXISTS (
    SELECT 1 FROM ${schema}.effects_trimmed WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
    UNION ALL SELECT 1 FROM ${schema}.effects WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())) AS found`;
  const [row] = await connection.run(foreign, [], migrationLimitMs);
  if (row?.['found'] !== true) return;
  await connection.runScript(
    `BEGIN;
    SELECT pg_advisory_xact_lock(hashtextextended('sallyport migration ${schema.replaceAll("'", "''")}', 0));
    UPDATE ${schema}.effects SET xid = '0' WHERE EXISTS (${foreign.replace(/^SELECT EXISTS \(|\) AS found$/g, '')});
    UPDATE ${schema}.effects_trimmed SET xid = '0', seq = 0
    WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()) OR EXISTS (SELECT 1 FROM ${schema}.effects WHERE xid = '0');
    COMMIT`,
    migrationLimitMs,
  );
};

/**
 * The database below an issuer, looked at beside the running server. It is SQLite, or with `SALLYPORT_TEST_DATABASE=postgres` a schema
 * of its own in one PostgreSQL for each test file. With `redis` or `postgres+redis` sessions, nonces and attempts are in a Redis beside it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { anyPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { startRedis } from '@sallyport/storage/redis/testing';
import type { Settings } from './child-server.ts';

type Row = Readonly<Record<string, unknown>>;

export interface Database {
  /** What an issuer has to be told to use it. */
  readonly settings: Settings;
  /** One query on a connection of its own; tables are named as they are. */
  query(sql: string): Promise<readonly Row[]>;
  /** An id as it stands in a statement. */
  id(uuid: string): string;
  /** Returns how many rows were changed. */
  change(sql: string): Promise<number>;
  /** Another process holds what every write needs: for the issuer the store does not answer. Returns how to give it back. */
  lockWrites(): Promise<() => Promise<void>>;
  /** The database itself refuses every effect of this act. Returns how to mend it. */
  refuseEffects(act: string): Promise<() => Promise<void>>;
  /** Everything that is kept: of SQLite every byte on the disk, log included; of PostgreSQL every value of every row. */
  allBytes(): Promise<Buffer>;
  /** Ends a session as the store does, in a transaction that stays open until it is told to commit. */
  endSlowly(sessionId: string): Promise<() => Promise<void>>;
}

/** For tests that do to SQLite what has no counterpart, or has a test of its own. */
export const isOnPostgres = process.env['SALLYPORT_TEST_DATABASE']?.startsWith('postgres') === true;
/** For tests that look at sessions, or hold them up, by SQL. */
export const isOnRedis = process.env['SALLYPORT_TEST_DATABASE']?.endsWith('redis') === true;

/** Databases of one Redis server: one for each folder of a test file. */
const keyspaces = 256;

export const newDatabase = (folder: string): Database => {
  const database = postgres === undefined ? inSqlite(folder) : inPostgres(postgres);
  return redis === undefined
    ? database
    : { ...database, settings: { ...database.settings, REDIS_URL: newKeyspace(redis) } };
};

const postgres = isOnPostgres ? await serverOfTheFile(anyPostgres) : undefined;
const redis = isOnRedis ? await serverOfTheFile(() => startRedis(['--databases', String(keyspaces)])) : undefined;

async function serverOfTheFile(start: () => Promise<{ readonly url: string; stop(): Promise<void> }>): Promise<string> {
  const { afterAll } = await import('vitest');
  const { url, stop } = await start();
  afterAll(stop);
  return url;
}

let keyspacesUsed = 0;
const newKeyspace = (url: string): string => {
  keyspacesUsed += 1;
  return `${url}/${keyspacesUsed % keyspaces}`;
};

const inSqlite = (folder: string): Database => {
  const file = join(folder, 'sallyport.db');
  const open = () => new DatabaseSync(file, { timeout: 5000 });
  return {
    settings: {},
    query: async (sql) => {
      const database = open();
      try {
        return database.prepare(sql).all();
      } finally {
        database.close();
      }
    },
    id: (uuid) => `x'${uuid.replaceAll('-', '')}'`,
    change: async (sql) => {
      const database = open();
      try {
        return Number(database.prepare(sql).run().changes);
      } finally {
        database.close();
      }
    },
    lockWrites: async () => {
      const database = open();
      database.exec('BEGIN IMMEDIATE');
      return async () => {
        database.exec('ROLLBACK');
        database.close();
      };
    },
    refuseEffects: async (act) => {
      const run = (sql: string): void => {
        const database = open();
        database.exec(sql);
        database.close();
      };
      run(`CREATE TRIGGER broken BEFORE INSERT ON effects WHEN NEW.act = '${act}'
        BEGIN SELECT RAISE(ABORT, 'broken by a test'); END`);
      return async () => run('DROP TRIGGER broken');
    },
    endSlowly: async (sid) => {
      const database = open();
      const id = Buffer.from(sid.replaceAll('-', ''), 'hex');
      const now = Date.now();
      database.exec('BEGIN IMMEDIATE');
      database.prepare("UPDATE sessions SET revoked_at_ms = ?, revoked_cause = 'logout' WHERE id = ?").run(now, id);
      database
        .prepare(
          `INSERT INTO revocations (realm_id, kind, subject, cause, at_ms, expires_at_ms)
            SELECT realm_id, 'session', ?, 'logout', ?, ? FROM sessions WHERE id = ?`,
        )
        .run(sid, now, now + 900_000, id);
      return async () => {
        database.exec('COMMIT');
        database.close();
      };
    },
    allBytes: async () =>
      Buffer.concat([file, `${file}-wal`].filter((path) => existsSync(path)).map((path) => readFileSync(path))),
  };
};

const inPostgres = (url: string): Database => {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const connect = () => rawConnection(url, schema);
  const run = async (sql: string) => {
    const connection = connect();
    try {
      return await connection.run(sql);
    } finally {
      await connection.close();
    }
  };
  /** Leaves the transaction of `sql` open; returns how to end it. */
  const hold = async (sql: string, end: 'COMMIT' | 'ROLLBACK'): Promise<() => Promise<void>> => {
    const connection = connect();
    await connection.run(`BEGIN; ${sql}`);
    return async () => {
      await connection.run(end);
      await connection.close();
    };
  };
  const query = async (sql: string): Promise<readonly Row[]> => (await run(sql)).rows;
  const allBytes = async (): Promise<Buffer> => {
    const tables = await query(
      `SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r'`,
    );
    const kept: Buffer[] = [];
    for (const { relname } of tables)
      for (const row of await query(`SELECT * FROM ${String(relname)}`))
        for (const value of Object.values(row))
          kept.push(
            Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
          );
    return Buffer.concat(kept.flatMap((bytes) => [bytes, Buffer.from('\n')]));
  };
  return {
    settings: { DATABASE_URL: url, DATABASE_SCHEMA: schema },
    query,
    id: (uuid) => `'${uuid}'`,
    change: async (sql) => (await run(sql)).count,
    lockWrites: () => hold('LOCK TABLE sessions IN EXCLUSIVE MODE', 'ROLLBACK'),
    refuseEffects: async (act) => {
      await run(`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE EXCEPTION 'broken by a test'; END $$;
        CREATE TRIGGER broken BEFORE INSERT ON effects FOR EACH ROW WHEN (NEW.act = '${act}') EXECUTE FUNCTION broken()`);
      return async () => void (await run('DROP TRIGGER broken ON effects; DROP FUNCTION broken'));
    },
    endSlowly: (sid) =>
      hold(
        `UPDATE sessions SET revoked_at_ms = now_ms(), revoked_cause = 'logout' WHERE id = '${sid}';
        SELECT append_revocation(realm_id, 'session', id::text, NULL, 'logout', 900000) FROM sessions WHERE id = '${sid}'`,
        'COMMIT',
      ),
    allBytes,
  };
};

export interface RowCounts {
  readonly users: number;
  readonly sessions: number;
}

export const rowCounts = async ({ query }: Database): Promise<RowCounts> => {
  const [row] = await query(
    'SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM sessions) AS sessions',
  );
  return { users: Number(row?.['users']), sessions: Number(row?.['sessions']) };
};

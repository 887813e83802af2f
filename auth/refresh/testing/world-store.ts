/**
 * The store of the small world: two openings of one, a clock that can be moved, and the hand of fate, which puts a session back to an
 * earlier copy. SQLite, or what `SALLYPORT_TEST_DATABASE` names.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionId } from '@sallyport/contract';
import { systemRandom, uuidToBytes } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Storage } from '@sallyport/storage';
import { combinedForTests, type SqlForTests } from '@sallyport/storage/combined/testing';
import { openPostgres, parseTarget } from '@sallyport/storage/postgres';
import { anyPostgres, isAnyPostgresMissing } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { isRedisMissing, openSessionCopies, type RedisServer, startRedis } from '@sallyport/storage/redis/testing';
import { openSqlite } from '@sallyport/storage/sqlite';

export interface WorldStore {
  readonly nodes: readonly [Storage, Storage];
  readonly clock: { offsetMs(): number; advance(ms: number): void };
  remember(sessionId: SessionId): Promise<void>;
  putBack(sessionId: SessionId, generation: number): Promise<void>;
  close(): Promise<void>;
}

const parts = () => {
  const clockOffset = new SharedArrayBuffer(8);
  const offset = new BigInt64Array(clockOffset);
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const clock: WorldStore['clock'] = {
    offsetMs: () => Number(Atomics.load(offset, 0)),
    advance: (ms) => void Atomics.add(offset, 0, BigInt(ms)),
  };
  return { clock, options: { sealer, clockOffset, revocationLifetimeMs: 1_000_000 } };
};

const inSqlite = async (): Promise<WorldStore> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-world-'));
  const file = join(folder, 'store.db');
  const { clock, options } = parts();
  const open = () => openSqlite({ ...options, file });
  const nodes = await Promise.all([open(), open()]);
  const raw = new DatabaseSync(file, { timeout: 5000 });
  raw.exec('CREATE TEMP TABLE copies AS SELECT * FROM sessions WHERE 0');
  return {
    nodes,
    clock,
    remember: async (sessionId) => {
      raw.prepare('INSERT INTO copies SELECT * FROM sessions WHERE id = ?').run(uuidToBytes(sessionId));
    },
    putBack: async (sessionId, generation) => {
      raw
        .prepare('INSERT OR REPLACE INTO sessions SELECT * FROM copies WHERE id = ? AND generation = ? LIMIT 1')
        .run(uuidToBytes(sessionId), generation);
    },
    close: async () => {
      raw.close();
      await Promise.all(nodes.map((node) => node.close()));
      rmSync(folder, { recursive: true });
    },
  };
};

const inPostgres = async (): Promise<WorldStore> => {
  const { url, schema, stop } = await anyPostgres();
  const { clock, options } = parts();
  const open = () => openPostgres({ ...options, target: parseTarget(url), schema, random: systemRandom });
  const nodes = await Promise.all([open(), open()]);
  const raw = rawConnection(url, schema);
  await raw.run('CREATE TEMP TABLE copies AS SELECT * FROM sessions WHERE false');
  return {
    nodes,
    clock,
    remember: async (sessionId) => {
      await raw.run('INSERT INTO copies SELECT * FROM sessions WHERE id = $1', [sessionId]);
    },
    putBack: async (sessionId, generation) => {
      const copy = 'SELECT * FROM copies WHERE id = $1 AND generation = $2 LIMIT 1';
      const { rows } = await raw.run(copy, [sessionId, generation]);
      if (rows.length === 0) return;
      await raw.run('DELETE FROM sessions WHERE id = $1', [sessionId]);
      await raw.run(`INSERT INTO sessions ${copy}`, [sessionId, generation]);
    },
    close: async () => {
      await raw.close();
      await Promise.all(nodes.map((node) => node.close()));
      await stop();
    },
  };
};

/** Sessions in a Redis of its own, which a test may kill, empty and put back. `sabotage` breaks what SQL tells of sessions. */
export const inRedis = async (
  server: RedisServer,
  { sql, sabotage }: { readonly sql?: SqlForTests; readonly sabotage?: (sql: Storage) => Storage } = {},
): Promise<WorldStore & { readonly emptied: number }> => {
  const combined = combinedForTests(server.url, sql);
  const nodes = await Promise.all([combined.open(sabotage), combined.open(sabotage)]);
  const copies = openSessionCopies(server.url);
  return {
    nodes,
    clock: combined.clock,
    ...copies,
    get emptied() {
      return combined.emptied;
    },
    close: async () => {
      copies.close();
      await combined.close();
      await server.stop();
    },
  };
};

const inPostgresAndRedis = async (): Promise<WorldStore> => {
  const [{ url, schema, stop }, server] = await Promise.all([anyPostgres(), startRedis()]);
  const open: SqlForTests['open'] = (options) =>
    openPostgres({
      ...options,
      target: parseTarget(url),
      schema,
      random: systemRandom,
      revocationLifetimeMs: 1_000_000,
    });
  return inRedis(server, { sql: { open, remove: stop } });
};

const stores: Readonly<Record<string, () => Promise<WorldStore>>> = {
  sqlite: inSqlite,
  postgres: inPostgres,
  redis: async () => inRedis(await startRedis()),
  'postgres+redis': inPostgresAndRedis,
};

/** Where nothing else is asked for. */
export const usualStore = process.env['SALLYPORT_TEST_DATABASE'] ?? 'sqlite';

/** Those that can be run on here as well; none where one was asked for. */
export const otherStores = (): readonly string[] => [
  ...(usualStore !== 'sqlite' || isAnyPostgresMissing() ? [] : ['postgres']),
  ...(usualStore !== 'sqlite' || isRedisMissing() ? [] : ['redis']),
];

export const openWorldStore = (name: string): Promise<WorldStore> => {
  const open = stores[name];
  if (open === undefined) throw new Error(`${name} is none of ${Object.keys(stores).join(', ')}`);
  return open();
};

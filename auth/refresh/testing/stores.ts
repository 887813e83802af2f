/** The stores that the refresh property suite can run on: one entry each. `PROVE_STORE` picks one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionId } from '@sallyport/contract';
import { systemRandom, uuidToBytes } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Storage } from '@sallyport/storage';
import { combinedForTests } from '@sallyport/storage/combined/testing';
import { isRedisMissing, openSessionCopies, type RedisServer, startRedis } from '@sallyport/storage/redis/testing';
import { openSqlite } from '@sallyport/storage/sqlite';

export interface WorldStore {
  /** Two openings of one store, as two processes would have. */
  readonly nodes: readonly [Storage, Storage];
  nowMs(): number;
  advance(ms: number): void;
  /** Keeps a copy of a session's row as it is now. */
  remember(sessionId: SessionId): Promise<void>;
  /** Puts a row back to an earlier copy, as a failover that lost a write does. Nothing happens where there is none. */
  putBack(sessionId: SessionId, generation: number): Promise<void>;
  close(): Promise<void>;
}

const clockOf = (offset: SharedArrayBuffer): Pick<WorldStore, 'nowMs' | 'advance'> => {
  const moved = new BigInt64Array(offset);
  return {
    nowMs: () => Date.now() + Number(Atomics.load(moved, 0)),
    advance: (ms) => void Atomics.add(moved, 0, BigInt(ms)),
  };
};

const sqlite = async (): Promise<WorldStore> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-world-'));
  const file = join(folder, 'store.db');
  const clockOffset = new SharedArrayBuffer(8);
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const open = () => openSqlite({ file, sealer, revocationLifetimeMs: 1_000_000, clockOffset });
  const nodes = await Promise.all([open(), open()]);
  const raw = new DatabaseSync(file, { timeout: 5000 });
  raw.exec('CREATE TEMP TABLE copies AS SELECT * FROM sessions WHERE 0');
  return {
    nodes,
    ...clockOf(clockOffset),
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

/** SQLite and a Redis of its own, which a test may kill, empty and put back. `sabotage` breaks what SQL tells of sessions. */
export const redisWorld = async (
  server: RedisServer,
  sabotage?: (sql: Storage) => Storage,
): Promise<WorldStore & { readonly emptied: number }> => {
  const combined = combinedForTests(server.url);
  const nodes = await Promise.all([combined.open(sabotage), combined.open(sabotage)]);
  const copies = openSessionCopies(server.url);
  return {
    nodes,
    ...clockOf(combined.clockOffset),
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

const redis = async (): Promise<WorldStore> => redisWorld(await startRedis());

const worldStores: Readonly<Record<string, () => Promise<WorldStore>>> = { sqlite, redis };

const asked = process.env['PROVE_STORE'];

/** What can be run on here: the one that `PROVE_STORE` names, else all. */
export const storeNames = (): readonly string[] => {
  if (asked !== undefined) return [asked];
  return Object.keys(worldStores).filter((name) => name !== 'redis' || !isRedisMissing());
};

export const openWorldStore = (name = asked ?? 'sqlite'): Promise<WorldStore> => {
  const open = worldStores[name];
  if (open === undefined) throw new Error(`PROVE_STORE must be one of ${Object.keys(worldStores).join(', ')}`);
  return open();
};

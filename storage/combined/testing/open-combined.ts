/** Any number of openings of one SQL store and one Redis, with a clock that a test can move for both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer, type Sealer } from '@sallyport/kit/seal';
import type { Storage } from '../../contracts/storage.ts';
import { openRedisStore } from '../../redis/index.ts';
import { openSqlite } from '../../sqlite/index.ts';
import { combineStores } from '../index.ts';

export interface CombinedForTests {
  /** `sabotage` breaks what the combination is told by SQL. */
  open(sabotage?: (sql: Storage) => Storage): Promise<Storage>;
  /** How often an opening was told that Redis had been emptied. */
  readonly emptied: number;
  /** Of both stores. */
  readonly clock: { offsetMs(): number; advance(ms: number): void };
  close(): Promise<void>;
}

/** The SQL store of a test. */
export interface SqlForTests {
  open(options: { readonly sealer: Sealer; readonly clockOffset: SharedArrayBuffer }): Promise<Storage>;
  /** After its openings have been closed. */
  remove(): Promise<void>;
}

export const sqliteForTests = (): SqlForTests => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const file = join(folder, 'store.db');
  return {
    open: (options) => openSqlite({ file, revocationLifetimeMs: 960_000, ...options }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
};

export const combinedForTests = (url: string, sqlStore: SqlForTests = sqliteForTests()): CombinedForTests => {
  const clockOffset = new SharedArrayBuffer(8);
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const opened: Storage[] = [];
  let emptied = 0;
  return {
    get emptied() {
      return emptied;
    },
    open: async (sabotage = (sql) => sql) => {
      const sql = await sqlStore.open({ sealer, clockOffset });
      const redis = await openRedisStore({ url, sealer, random: systemRandom, clockOffset });
      const onEmptied = () => {
        emptied += 1;
      };
      const storage = await combineStores({ sql: sabotage(sql), redis, onEmptied });
      opened.push(storage);
      return storage;
    },
    clock: {
      offsetMs: () => Number(Atomics.load(new BigInt64Array(clockOffset), 0)),
      advance: (ms) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms)),
    },
    close: async () => {
      await Promise.all(opened.map((storage) => storage.close()));
      await sqlStore.remove();
    },
  };
};

/** Any number of openings of one SQLite file and one Redis, with a clock that a test can move for both. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Storage } from '../../contracts/storage.ts';
import { openRedisStore } from '../../redis/index.ts';
import { openSqlite } from '../../sqlite/index.ts';
import { combineStores } from '../index.ts';

export interface CombinedForTests {
  /** `sabotage` breaks what the combination is told by SQL. */
  open(sabotage?: (sql: Storage) => Storage): Promise<Storage>;
  /** How often an opening was told that Redis had been emptied. */
  readonly emptied: number;
  readonly clockOffset: SharedArrayBuffer;
  advance(ms: number): void;
  close(): Promise<void>;
}

export const combinedForTests = (url: string): CombinedForTests => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const clockOffset = new SharedArrayBuffer(8);
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const file = join(folder, 'store.db');
  const opened: Storage[] = [];
  let emptied = 0;
  return {
    get emptied() {
      return emptied;
    },
    open: async (sabotage = (sql) => sql) => {
      const sql = await openSqlite({ file, sealer, revocationLifetimeMs: 960_000, clockOffset });
      const redis = await openRedisStore({ url, sealer, random: systemRandom, clockOffset });
      const onEmptied = () => {
        emptied += 1;
      };
      const storage = await combineStores({ sql: sabotage(sql), redis, onEmptied });
      opened.push(storage);
      return storage;
    },
    clockOffset,
    advance: (ms) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms)),
    close: async () => {
      await Promise.all(opened.map((storage) => storage.close()));
      rmSync(folder, { recursive: true });
    },
  };
};

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { describe } from 'vitest';
import { describeStorage } from '../conformance/index.ts';
import { openRedisStore } from '../redis/index.ts';
import { isRedisMissing, startRedisCluster } from '../redis/testing/start-redis.ts';
import { openSqlite } from '../sqlite/index.ts';
import { combineStores } from './index.ts';

describe.skipIf(isRedisMissing())('with slots as in a cluster,', () =>
  describeStorage('sqlite and redis', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
    const server = await startRedisCluster();
    const clockOffset = new SharedArrayBuffer(8);
    const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
    const open = async () =>
      combineStores({
        sql: await openSqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 960_000, clockOffset }),
        redis: await openRedisStore({ url: server.url, sealer, random: systemRandom, clockOffset }),
        onEmptied: () => undefined,
      });
    const [storage, second] = await Promise.all([open(), open()]);
    const advance = (ms: number) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms));
    const close = async () => {
      await Promise.all([storage.close(), second.close()]);
      await server.stop();
      rmSync(folder, { recursive: true });
    };
    return { storage, second, advance, close };
  }),
);

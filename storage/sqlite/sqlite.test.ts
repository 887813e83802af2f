import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { describeStorage } from '../conformance/index.ts';
import { openSqlite } from './index.ts';

describeStorage('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const clockOffset = new SharedArrayBuffer(8);
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const open = () => openSqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 960_000, clockOffset });
  const [storage, second] = await Promise.all([open(), open()]);
  const advance = (ms: number) => void Atomics.add(new BigInt64Array(clockOffset), 0, BigInt(ms));
  const close = async () => {
    await Promise.all([storage.close(), second.close()]);
    rmSync(folder, { recursive: true });
  };
  return { storage, second, advance, close };
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { expect, it } from 'vitest';
import { context, newUser } from '../conformance/make.ts';
import { openSqlite } from './index.ts';

it('replaces a writer thread that died: writes fail as unknown or at once, then go on; the store is not ready meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const started = Promise.withResolvers<Worker>();
  process.once('worker', started.resolve);
  const storage = await openSqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 1000 });
  try {
    const writer = await started.promise;
    const write = () => storage.accounts.createUser(newUser(), context);
    expect(await write()).toMatchObject({ kind: 'created' });
    await writer.terminate();
    await expect(write()).rejects.toMatchObject({ name: 'StoreUnavailable' });
    await expect(storage.ping()).rejects.toMatchObject({ name: 'StoreUnavailable' });
    await sleep(1000);
    await storage.ping();
    expect(await write()).toMatchObject({ kind: 'created' });
  } finally {
    await storage.close();
    rmSync(folder, { recursive: true, force: true });
  }
  await expect(storage.ping()).rejects.toMatchObject({ name: 'StoreUnavailable' });
});

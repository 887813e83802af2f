import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { context, newUser } from '../conformance/make.ts';
import { backupSqlite } from './backup.ts';
import { openSqlite } from './index.ts';

const users = 40;
let folder: string;
let file: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-backup-'));
  file = join(folder, 'store.db');
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const store = await openSqlite({ file, sealer, revocationLifetimeMs: 960_000 });
  // Some thousand pages: several steps.
  const name = 'x'.repeat(400_000);
  for (let at = 0; at < users; at += 1) await store.accounts.createUser(newUser({ name }), context);
  await store.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is the store as it was at its beginning, though somebody commits between any two steps', async () => {
  const other = new DatabaseSync(file);
  let steps = 0;
  const onProgress = () => {
    steps += 1;
    // Rather than for ever.
    if (steps > 50) throw new Error('it begins anew after each commit');
    other.prepare("UPDATE users SET name = 'later', email_key = NULL").run();
    other.prepare('DELETE FROM users WHERE id IN (SELECT id FROM users LIMIT 1)').run();
  };
  const to = join(folder, 'backup.db');
  expect(await backupSqlite({ file, to, onProgress })).toMatchObject({ file: to, users, sessions: 0 });
  expect(steps).toBeGreaterThan(2);
  other.close();
  const copy = new DatabaseSync(to, { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS count FROM users WHERE name = 'later'").get()?.['count']).toBe(0);
  copy.close();
});

it('of a damaged store is none', async () => {
  const descriptor = openSync(file, 'r+');
  for (let page = 50; page < 60; page += 1) writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
  closeSync(descriptor);
  await expect(backupSqlite({ file, to: join(folder, 'backup.db') })).rejects.toThrow('integrity check');
  expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual([]);
});

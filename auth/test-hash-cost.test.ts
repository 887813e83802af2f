import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { start } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
afterAll(() => rmSync(folder, { recursive: true }));
const key = () => randomBytes(32).toString('base64url');
const env = {
  SALLYPORT_DATA_DIR: folder,
  SALLYPORT_ROOT_KEYS: `1:${key()}`,
  CSRF_KEYS: `1:${key()}`,
  LOG_LEVEL: 'silent',
};

it('a hash cost below what a setting may ask for is refused outside tests, and by every setting', async () => {
  await expect(start({ env, envFile: '' }, { testHashCost: 4 })).rejects.toThrow('refused outside tests');
  await expect(start({ env: { ...env, BCRYPT_COST: '9' }, envFile: '' })).rejects.toThrow('BCRYPT_COST');
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemRandom } from '@sallyport/kit/random';
import { afterAll, expect, it } from 'vitest';
import { loadAuthSettings } from './load-settings.ts';
import { openStore } from './open-store.ts';
import { newStoredKey } from './tokens/key-holder.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const newKey = (): string => randomBytes(32).toString('base64url');
const own = { CSRF_KEYS: `1:${newKey()}`, JWT_SECRET: newKey(), SALLYPORT_DATA_DIR: folder };

/** As every start and every command does. Returns the warning. */
const open = async (rootKeys: string): Promise<string | undefined> => {
  const { settings } = loadAuthSettings({ env: { ...own, SALLYPORT_ROOT_KEYS: rootKeys } });
  const { storage, warning } = await openStore(settings, systemRandom);
  await storage.close();
  return warning;
};

it('a store knows its root keys again, and refuses another one under an id that it knows', async () => {
  const [one, two, three] = [newKey(), newKey(), newKey()];
  expect(await open(`1:${one}`)).toBeUndefined();
  expect(await open(`1:${one}`)).toBeUndefined();
  const wrong = open(`1:${two}`);
  await expect(wrong).rejects.toMatchObject({ name: 'SettingsError' });
  await expect(wrong).rejects.toThrow(
    /^SALLYPORT_ROOT_KEYS holds another key 1 than the one that this store was used with/,
  );
  await expect(wrong).rejects.not.toThrow(two);

  // A change of keys, as it is meant to be made.
  expect(await open(`2:${two}, 1:${one}`)).toBeUndefined();
  expect(await open(`2:${two}`)).toBeUndefined();
  await expect(open(`2:${one}, 1:${two}`)).rejects.toThrow('another key 2, 1 than');
  // All at once: an emergency, or a mistake.
  expect(await open(`3:${three}`)).toMatch('none of the keys that this store was used with (1, 2)');
  await expect(open(`3:${three}, 1:${two}`)).rejects.toThrow('another key 1 than');
});

it('a store of the time before is not taken over by another key, where it has sealed anything', async () => {
  const [one, two] = [newKey(), newKey()];
  const file = join(folder, 'sallyport.db');
  const forget = (what: string): void => {
    const database = new DatabaseSync(file);
    database.exec(`DELETE FROM ${what}`);
    database.close();
  };
  forget("store_meta WHERE key LIKE 'root_key:%'");
  const { settings } = loadAuthSettings({ env: { ...own, SALLYPORT_ROOT_KEYS: `1:${one}` } });
  const { storage, sealer } = await openStore(settings, systemRandom);
  await storage.keys.ensureCurrentKey(await newStoredKey('ES256', sealer), { requestId: 'test', actor: 'system' });
  await storage.close();
  forget("store_meta WHERE key LIKE 'root_key:%'");
  await expect(open(`1:${two}`)).rejects.toThrow('another key 1 than');
  expect(await open(`1:${one}`)).toBeUndefined();
});

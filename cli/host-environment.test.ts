import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { requireStoreOfFolder } from './host-environment.ts';
import { openDataFolder } from './up/data-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-host-'));
afterAll(() => rmSync(root, { recursive: true }));

const startedOn = (name: string, store: 'own' | 'named'): string => {
  const path = join(root, name);
  openDataFolder(path, 'microservices', new Date(0), store).release();
  return path;
};

describe('a command on the host', () => {
  it('is refused where the servers of the folder work on a database that it is not told of', () => {
    const SALLYPORT_DATA_DIR = startedOn('named', 'named');
    expect(() => requireStoreOfFolder({ SALLYPORT_DATA_DIR })).toThrow(/was last started with DATABASE_URL/);
    for (const name of ['DATABASE_URL', 'DB_DSN', 'DATABASE_URL_FILE'])
      expect(() => requireStoreOfFolder({ SALLYPORT_DATA_DIR, [name]: 'given' })).not.toThrow();
  });

  it('works on the store of the folder, and in a folder that nobody has started on', () => {
    expect(() => requireStoreOfFolder({ SALLYPORT_DATA_DIR: startedOn('own', 'own') })).not.toThrow();
    expect(() => requireStoreOfFolder({ SALLYPORT_DATA_DIR: join(root, 'none') })).not.toThrow();
  });
});

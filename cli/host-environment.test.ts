import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { requireStoreOfFolder, serverEnvironment } from './host-environment.ts';
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

  it('that speaks of one server has what this one alone holds, below what was given', () => {
    const SALLYPORT_DATA_DIR = startedOn('of-one-server', 'own');
    const secrets = join(SALLYPORT_DATA_DIR, 'secrets');
    for (const name of ['CSRF_KEYS', 'api-gateway.REVOCATION_FEED_TOKEN', 'user-service.GATEWAY_ASSERTION_KEYS'])
      writeFileSync(join(secrets, name), 'secret');
    const entry = '@sallyport/gateway/main';
    expect(serverEnvironment({ SALLYPORT_DATA_DIR }, entry)).toEqual({
      SALLYPORT_DATA_DIR,
      SALLYPORT_PRESET: 'microservices',
      CSRF_KEYS_FILE: join(secrets, 'CSRF_KEYS'),
      REVOCATION_FEED_TOKEN_FILE: join(secrets, 'api-gateway.REVOCATION_FEED_TOKEN'),
    });
    const given = { SALLYPORT_DATA_DIR, REVOCATION_FEED_TOKEN: 'given' };
    expect(serverEnvironment(given, entry)).not.toHaveProperty('REVOCATION_FEED_TOKEN_FILE');
  });
});

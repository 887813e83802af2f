import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '@sallyport/kit/random';
import { createSealer, type Sealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { checkRootKeys } from './check-root-keys.ts';
import type { AuthSettings } from './config.ts';
import { postgresTargets } from './settings/database.ts';

export interface OpenedStore {
  readonly storage: Storage;
  readonly sealer: Sealer;
  /** Of keys that look wrong, and may be meant. */
  readonly warning?: string;
}

/** Opens the store that the settings name; server and maintenance share it. */
export const openStore = async (settings: AuthSettings, random: Random): Promise<OpenedStore> => {
  const sealer = createSealer({ keys: settings.rootKeys, random });
  // gateway.md: an entry lives until the revocation + the longest access lifetime + leeway.
  const revocationLifetimeMs = (settings.accessTokenTtlSeconds + 2 * settings.clockLeewaySeconds) * 1000;
  const storage = await openDatabase(settings, { sealer, random, revocationLifetimeMs });
  try {
    const warning = await checkRootKeys({ storage, keys: settings.rootKeys, random });
    return { storage, sealer, ...(warning !== undefined && { warning }) };
  } catch (error) {
    await storage.close();
    throw error;
  }
};

interface StoreParts {
  readonly sealer: Sealer;
  readonly random: Random;
  readonly revocationLifetimeMs: number;
}

const openDatabase = async (settings: AuthSettings, parts: StoreParts): Promise<Storage> => {
  const targets = postgresTargets(settings);
  if (targets === undefined) {
    const { sealer, revocationLifetimeMs } = parts;
    return drivers.sqlite({ file: sqliteFile(settings), sealer, revocationLifetimeMs });
  }
  const { databaseSchema: schema, databasePoolSize: poolSize, databaseCaPath: caPath } = settings;
  const ca = caPath === undefined ? {} : { ca: readCa(caPath) };
  try {
    return await drivers.postgres({ ...parts, ...targets, ...ca, schema, poolSize });
  } catch (error) {
    throw new Error(`DATABASE_URL: ${error instanceof Error ? error.message : 'cannot be used'}`);
  }
};

/** Of settings that name no PostgreSQL. */
export const sqliteFile = ({ databaseUrl, dataDir }: Pick<AuthSettings, 'databaseUrl' | 'dataDir'>): string =>
  databaseUrl?.slice('sqlite:'.length) ?? join(dataDir, 'sallyport.db');

/** @throws Error that names the setting */
export const readCa = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Error(`DATABASE_CA_PATH: ${path} cannot be read`);
  }
};

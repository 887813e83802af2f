import { join } from 'node:path';
import type { Random } from '@sallyport/kit/random';
import { createSealer, type Sealer } from '@sallyport/kit/seal';
import { drivers } from '@sallyport/storage';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { AuthSettings } from './config.ts';

export interface OpenedStore {
  readonly storage: Storage;
  readonly sealer: Sealer;
}

/** Opens the store that the settings name; server and maintenance share it. */
export const openStore = async (
  settings: Pick<AuthSettings, 'databaseUrl' | 'dataDir' | 'rootKeys' | 'accessTokenTtlSeconds' | 'clockLeewaySeconds'>,
  random: Random,
): Promise<OpenedStore> => {
  const sealer = createSealer({ keys: settings.rootKeys, random });
  const file = settings.databaseUrl?.slice('sqlite:'.length) ?? join(settings.dataDir, 'sallyport.db');
  // gateway.md: an entry lives until the revocation + the longest access lifetime + leeway.
  const revocationLifetimeMs = (settings.accessTokenTtlSeconds + 2 * settings.clockLeewaySeconds) * 1000;
  return { storage: await drivers.sqlite({ file, sealer, revocationLifetimeMs }), sealer };
};

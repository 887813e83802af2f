import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import type { Storage } from '../../contracts/storage.ts';
import { openPostgres, type PostgresOptions, parseTarget } from '../index.ts';

const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });

/** The store at a URL, as an issuer would open it. */
export const openTestStore = (url: string, options: Partial<PostgresOptions> = {}): Promise<Storage> =>
  openPostgres({ target: parseTarget(url), sealer, random: systemRandom, revocationLifetimeMs: 960_000, ...options });

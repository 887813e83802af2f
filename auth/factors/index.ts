/** The factors: the explicit list. A new one is one file and one line here. */
import type { Random } from '@sallyport/kit/random';
import type { AuthSettings } from '../config.ts';
import type { PasswordFactor } from './factor.ts';
import type { HashPool } from './hash-pool.ts';
import { listHashes } from './hashes/index.ts';
import { createPasswordFactor } from './password.ts';

export const openPasswordFactor = (
  settings: Pick<AuthSettings, 'passwordHash' | 'bcryptCost'>,
  pool: HashPool,
  random: Pick<Random, 'bytes'>,
): Promise<PasswordFactor> =>
  createPasswordFactor({ hashes: listHashes(settings), pool, dummy: random.bytes(24).toString('base64url') });

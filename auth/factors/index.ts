/** The factors and password hashes: the explicit list. A new one is one file and one line here. */
import type { Random } from '@sallyport/kit/random';
import type { AuthSettings } from '../config.ts';
import type { PasswordFactor } from './factor.ts';
import type { HashPool } from './hash-pool.ts';
import { createPasswordFactor } from './password.ts';
import { createArgon2id, createBcrypt } from './password-hash.ts';

export const openPasswordFactor = (
  settings: Pick<AuthSettings, 'passwordHash' | 'bcryptCost' | 'passwordMinLength'>,
  pool: HashPool,
  random: Pick<Random, 'bytes'>,
): Promise<PasswordFactor> => {
  const available = { argon2id: createArgon2id(), bcrypt: createBcrypt(settings.bcryptCost) };
  const chosen = available[settings.passwordHash];
  return createPasswordFactor({
    hashes: [chosen, ...Object.values(available).filter((hash) => hash !== chosen)],
    pool,
    minLength: settings.passwordMinLength,
    dummy: random.bytes(24).toString('base64url'),
  });
};

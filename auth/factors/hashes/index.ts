/** The kinds of stored passwords: the explicit list. A new one is one file and one line here. */
import type { AuthSettings } from '../../config.ts';
import { createArgon2id } from './argon2.ts';
import { createBcrypt } from './bcrypt.ts';
import type { HashRefusal, HashVerifier, PasswordHash } from './password-hash.ts';
import { createPbkdf2 } from './pbkdf2.ts';
import { createScrypt } from './scrypt.ts';

export interface HashList {
  /** What new passwords are hashed with. */
  readonly current: PasswordHash;
  /** All kinds that are verified, the current one among them. */
  readonly all: readonly HashVerifier[];
}

export const listHashes = (settings: Pick<AuthSettings, 'passwordHash' | 'bcryptCost'>): HashList => {
  const argon2id = createArgon2id();
  const bcrypt = createBcrypt(settings.bcryptCost);
  return {
    current: settings.passwordHash === 'argon2id' ? argon2id : bcrypt,
    all: [argon2id, bcrypt, createPbkdf2(), createScrypt()],
  };
};

/** The kind that verifies a stored form, or why none does. */
export const findHash = (all: readonly HashVerifier[], stored: string): HashVerifier | HashRefusal => {
  const kind = all.find((candidate) => candidate.recognises(stored));
  return kind === undefined ? 'unknown' : (kind.refusal(stored) ?? kind);
};

import { hash as argonHash, verify as argonVerify } from '@node-rs/argon2';
import { hash as bcryptHash, verify as bcryptVerify } from '@node-rs/bcrypt';

/** One way to hash passwords. A new one is one entry in `passwordHashes`. */
export interface PasswordHash {
  /** Longest password in UTF-8 bytes. */
  readonly maxBytes: number;
  hash(password: string): Promise<string>;
  verify(stored: string, password: string): Promise<boolean>;
  /** Whether the stored form was made this way with the present settings. */
  isCurrent(stored: string): boolean;
  /** Whether the stored form is of this kind at all. */
  recognises(stored: string): boolean;
}

/** OWASP Password Storage Cheat Sheet, Argon2id: m = 19 MiB, t = 2, p = 1. */
const owasp = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** Above, a password is an attack on the pool. */
const argonMaxBytes = 4096;
/** bcrypt reads 72 bytes and silently ignores the rest; a longer password is refused instead. */
const bcryptMaxBytes = 72;

export const createArgon2id = (): PasswordHash => {
  const prefix = `$argon2id$v=19$m=${owasp.memoryCost},t=${owasp.timeCost},p=${owasp.parallelism}$`;
  return {
    maxBytes: argonMaxBytes,
    // Algorithm 2 is Argon2id, the library's default; its enum cannot be imported where types are stripped.
    hash: (password) => argonHash(password, { ...owasp, algorithm: 2 }),
    verify: (stored, password) => argonVerify(stored, password),
    isCurrent: (stored) => stored.startsWith(prefix),
    recognises: (stored) => stored.startsWith('$argon2'),
  };
};

export const createBcrypt = (cost: number): PasswordHash => ({
  maxBytes: bcryptMaxBytes,
  hash: (password) => bcryptHash(password, { cost, rejectLongPasswords: true }),
  // A password that is too long for bcrypt cannot have made this hash; cut, it could match one that did.
  verify: async (stored, password) => Buffer.byteLength(password) <= bcryptMaxBytes && bcryptVerify(password, stored),
  isCurrent: (stored) => stored.startsWith(`$2b$${String(cost).padStart(2, '0')}$`),
  recognises: (stored) => /^\$2[abxy]\$/.test(stored),
});

import { hash, verify } from '@node-rs/bcrypt';
import type { PasswordHash } from './password-hash.ts';

/** bcrypt reads 72 bytes and silently ignores the rest; a longer password is refused instead. */
const maxBytes = 72;
/** About four seconds of one core; one more is twice that. */
const mostCost = 16;
/** `$2x$` marks hashes of an implementation that was broken (crypt_blowfish before 1.1): none here can verify them. */
const form = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

export const createBcrypt = (cost: number): PasswordHash => ({
  kind: 'bcrypt',
  maxBytes,
  recognises: (stored) => /^\$2[abxy]\$/.test(stored),
  refusal: (stored) => {
    const [, given] = form.exec(stored) ?? [];
    if (given === undefined || Number(given) < 4) return 'malformed';
    return Number(given) > mostCost ? 'too_costly' : undefined;
  },
  // The key is the password and a NUL, repeated to 72 bytes: `pw` and `pw NUL pw` are one key, so a password with NUL is none.
  takes: (password) => Buffer.byteLength(password) <= maxBytes && !password.includes('\0'),
  hash: (password) => hash(password, { cost, rejectLongPasswords: true }),
  verify: (stored, password) => verify(password, stored),
  isCurrent: (stored) => stored.startsWith(`$2b$${String(cost).padStart(2, '0')}$`),
});

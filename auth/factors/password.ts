import type { PasswordFactor, PasswordVerdict } from './factor.ts';
import type { HashPool } from './hash-pool.ts';
import type { PasswordHash } from './password-hash.ts';

export interface PasswordOptions {
  /** First = what new passwords are hashed with; the others are still verified. */
  readonly hashes: readonly PasswordHash[];
  readonly pool: HashPool;
  readonly minLength: number;
  /** Hashed once at start: what a login without an account is compared with. */
  readonly dummy: string;
}

/**
 * The password factor. Passwords are normalised with NFKC (as RFC 8265 and NIST SP 800-63B §3.1.1.2 suggest) before they are
 * counted or hashed, so that one spelling typed on two keyboards is one password. Nothing here keeps or logs one.
 */
export const createPasswordFactor = async (options: PasswordOptions): Promise<PasswordFactor> => {
  const { hashes, pool, minLength } = options;
  const [current] = hashes;
  if (current === undefined) throw new TypeError('the password factor needs a hash');
  const dummyHash = await current.hash(options.dummy);

  return {
    amr: 'pwd',
    check: (password) => {
      const normal = password.normalize('NFKC');
      if (Array.from(normal).length < minLength) return { code: 'password_too_short', params: { minimum: minLength } };
      if (Buffer.byteLength(normal) > current.maxBytes) {
        return { code: 'password_too_long', params: { limitBytes: current.maxBytes } };
      }
      return undefined;
    },
    hash: (password) => pool.run(() => current.hash(password.normalize('NFKC'))),
    verify: async (user, password) => {
      const stored = user?.passwordHash;
      const kind = hashes.find((hash) => stored !== undefined && hash.recognises(stored)) ?? current;
      const normal = password.normalize('NFKC');
      const matches = await pool.run(() => spendEqually(kind, stored ?? dummyHash, normal, dummyHash));
      if (stored === undefined || !matches) return 'wrong';
      return verdict(kind, current, stored);
    },
  };
};

/** A password that the hash would refuse outright still costs what any other costs. */
const spendEqually = async (
  kind: PasswordHash,
  stored: string,
  password: string,
  dummyHash: string,
): Promise<boolean> => {
  if (Buffer.byteLength(password) <= kind.maxBytes) return kind.verify(stored, password);
  await kind.verify(kind.recognises(stored) ? stored : dummyHash, password.slice(0, 16));
  return false;
};

const verdict = (kind: PasswordHash, current: PasswordHash, stored: string): PasswordVerdict =>
  kind === current && current.isCurrent(stored) ? 'right' : 'outdated';

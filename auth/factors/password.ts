import type { PasswordFactor, PasswordVerdict } from './factor.ts';
import type { HashPool } from './hash-pool.ts';
import { findHash, type HashList } from './hashes/index.ts';
import type { HashVerifier } from './hashes/password-hash.ts';

export interface PasswordOptions {
  readonly hashes: HashList;
  readonly pool: HashPool;
  /** Hashed once at start: what a login without an account is compared with. */
  readonly dummy: string;
}

/**
 * The password factor. Passwords are normalised with NFKC (as RFC 8265 and NIST SP 800-63B §3.1.1.2 suggest) before they are
 * hashed, so that one spelling typed on two keyboards is one password. Nothing here keeps or logs one.
 */
export const createPasswordFactor = async ({ hashes, pool, dummy }: PasswordOptions): Promise<PasswordFactor> => {
  const { current, all } = hashes;
  const dummyHash = await current.hash(dummy);

  return {
    amr: 'pwd',
    maxBytes: current.maxBytes,
    hash: (password) => pool.run(() => current.hash(password.normalize('NFKC'))),
    refusalOf: (stored) => {
      const found = findHash(all, stored);
      return typeof found === 'string' ? found : undefined;
    },
    verify: async (user, password) => {
      const stored = user?.passwordHash;
      const found = stored === undefined ? 'unknown' : findHash(all, stored);
      // A stored form that nobody can verify costs what a missing one costs, and is wrong.
      const isHeld = stored !== undefined && typeof found !== 'string';
      const [kind, compared] = isHeld ? [found, stored] : [current, dummyHash];
      const matched = await pool.run(() => matchingSpelling(kind, compared, password));
      if (!isHeld || matched === undefined) return 'wrong';
      const isCurrent = kind === current && current.isCurrent(stored) && matched === 'normal';
      return verdict(isCurrent || !current.takes(password.normalize('NFKC')));
    },
  };
};

/** A hash that is not replaced is `right`, also where the present kind could not take the password at all. */
const verdict = (keep: boolean): PasswordVerdict => (keep ? 'right' : 'outdated');

/**
 * Hashes made here are of the NFKC spelling; imported ones are of what was typed, and on many keyboards that differs (`µ`, `²`).
 * Such a password is compared both ways, whoever it is for, so that a wrong one costs the same with and without an account.
 */
const matchingSpelling = async (
  kind: HashVerifier,
  stored: string,
  password: string,
): Promise<'normal' | 'typed' | undefined> => {
  const normal = password.normalize('NFKC');
  if (await spendEqually(kind, stored, normal)) return 'normal';
  if (normal === password) return undefined;
  return (await spendEqually(kind, stored, password)) ? 'typed' : undefined;
};

/** A password that the hash would refuse outright still costs what any other costs. */
const spendEqually = async (kind: HashVerifier, stored: string, password: string): Promise<boolean> => {
  if (kind.takes(password)) return kind.verify(stored, password);
  await kind.verify(stored, password.replaceAll('\0', '').slice(0, 16));
  return false;
};

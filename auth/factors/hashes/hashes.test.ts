import { readFileSync } from 'node:fs';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { createHashPool } from '../hash-pool.ts';
import { openPasswordFactor } from '../index.ts';
import { findHash, listHashes } from './index.ts';

/**
 * Made with other implementations: passlib 1.7.4, Django 5.2.19, bcrypt 4.0.1 and argon2-cffi 25.1.0 (Python), the PHC forms of
 * PBKDF2 and scrypt with Python's hashlib. Nothing of this repository took part.
 */
const vectors = JSON.parse(readFileSync(new URL('./testing/foreign-hashes.json', import.meta.url), 'utf8')) as {
  readonly password: string;
  readonly hashes: Readonly<Record<string, string>>;
};
const pool = createHashPool({ places: 2, maxWaiting: 100, maxWaitMs: 20_000 });
const factor = openPasswordFactor({ passwordHash: 'argon2id', bcryptCost: 10 }, pool, systemRandom);
const { all } = listHashes({ passwordHash: 'argon2id', bcryptCost: 12 });
const reasonOf = (stored: string) => {
  const found = findHash(all, stored);
  return typeof found === 'string' ? found : found.kind;
};

describe('hashes of other systems', () => {
  it.each(Object.entries(vectors.hashes))(
    '%s: the right password is right and to be hashed anew',
    async (_, stored) => {
      const { refusalOf, verify } = await factor;
      expect(refusalOf(stored)).toBeUndefined();
      expect(await verify({ passwordHash: stored }, vectors.password)).toBe('outdated');
      for (const wrong of [`${vectors.password} `, vectors.password.toUpperCase(), 'x', '']) {
        expect(await verify({ passwordHash: stored }, wrong)).toBe('wrong');
      }
    },
  );

  it('of the spelling that was typed, and of no other, match where NFKC makes another of it', async () => {
    // The micro sign: NFKC makes a Greek letter of it, and the hash is of what the keyboard sent.
    expect(vectors.password).not.toBe(vectors.password.normalize('NFKC'));
    const stored = { passwordHash: String(vectors.hashes['bcrypt 2b']) };
    expect(await (await factor).verify(stored, vectors.password.normalize('NFKC'))).toBe('wrong');
  });

  it('spend as many hashes on such a password with and without an account', async () => {
    const { verify } = await openPasswordFactor({ passwordHash: 'bcrypt', bcryptCost: 12 }, pool, systemRandom);
    /** Of the processor, and the least of three: beside other work a hash takes longer, never shorter. */
    const costOf = async (password: string): Promise<number> => {
      const costs: number[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const begun = process.cpuUsage();
        await verify({ passwordHash: undefined }, password);
        costs.push(process.cpuUsage(begun).user);
      }
      return Math.min(...costs);
    };
    const plain = await costOf('plain');
    expect(await costOf('\u00b5plain')).toBeGreaterThan(1.4 * plain);
  });
});

const a16 = 'A'.repeat(22);
const a32 = 'A'.repeat(43);
const bombs = [
  `$argon2id$v=19$m=4194304,t=1,p=1$${a16}$${a32}`,
  `$argon2id$v=19$m=262144,t=99,p=1$${a16}$${a32}`,
  `$argon2i$v=19$m=19456,t=99999,p=1$${a16}$${a32}`,
  `$argon2id$v=19$m=19456,t=2,p=255$${a16}$${a32}`,
  `$2b$17$${'a'.repeat(53)}`,
  `$2b$31$${'a'.repeat(53)}`,
  `$pbkdf2-sha256$i=5000001$${a16}$${a32}`,
  `$pbkdf2-sha256$999999999$${a16}$${a32}`,
  // Three blocks of SHA-1: three times the rounds.
  `$pbkdf2$3000000$${a16}$${'A'.repeat(64)}`,
  `pbkdf2_sha256$999999999$salt$${a32}=`,
  `$scrypt$ln=22,r=8,p=1$${a16}$${a32}`,
  `$scrypt$ln=63,r=8,p=1$${a16}$${a32}`,
  `$scrypt$ln=14,r=8,p=9999$${a16}$${a32}`,
  `$scrypt$ln=10,r=99999,p=1$${a16}$${a32}`,
  `scrypt$1073741824$salt$8$1$${a32}=`,
];
const broken = [
  `$argon2id$v=18$m=19456,t=2,p=1$${a16}$${a32}`,
  `$argon2id$v=19$m=19456,t=2,p=1$${a16}$AAAA`,
  `$argon2id$v=19$m=19456,t=2,p=1$AAAA$${a32}`,
  `$argon2id$v=19$m=7,t=2,p=1$${a16}$${a32}`,
  `$argon2id$v=19$m=19456,t=0,p=1$${a16}$${a32}`,
  // The library throws for it: accepted, every login of the account would be 500.
  `$argon2id$v=19$m=0019456,t=2,p=1$${a16}$${a32}`,
  `$argon2id$v=19$m=19456,t=02,p=01$${a16}$${a32}`,
  `$argon2id$v=19$m=19456,t=2,p=1,keyid=AA$${a16}$${a32}`,
  `$argon2id$v=19$m=19456,t=2,p=1$${a16}$${a32}\n`,
  `$argon2id$v=19$m=19456,t=2,p=1$${a16}$${'A'.repeat(42)}B`,
  `$2b$03$${'a'.repeat(53)}`,
  `$2x$10$${'a'.repeat(53)}`,
  `$2b$10$${'a'.repeat(52)}`,
  `$2b$10$${'a'.repeat(52)}+`,
  `$pbkdf2-sha256$i=0$${a16}$${a32}`,
  `$pbkdf2-sha256$i=1000,l=64$${a16}$${a32}`,
  `$pbkdf2-md5$i=1000$${a16}$${a32}`,
  `$pbkdf2-sha256$i=1000$${a16}$AAAA`,
  `$pbkdf2-sha256$1000$A+A=$${a32}`,
  `pbkdf2_sha256$-1$salt$${a32}=`,
  `pbkdf2_sha256$1000$$${a32}=`,
  `$scrypt$ln=0,r=8,p=1$${a16}$${a32}`,
  `$scrypt$ln=14,r=0,p=1$${a16}$${a32}`,
  `scrypt$16385$salt$8$1$${a32}=`,
  // OpenSSL throws for N that is not below 2^16r.
  `$scrypt$ln=16,r=1,p=1$${a16}$${a32}`,
  `scrypt$65536$salt$1$1$${a32}=`,
  `scrypt$16384$salt$8$1$AAAA`,
];
const unknown = [
  '',
  'password',
  '5f4dcc3b5aa765d61d8327deb882cf99',
  '$1$salt$hash',
  '$6$salt$hash',
  '{SSHA}aGFzaA==',
  '$y$j9T$',
];

describe('a stored form', () => {
  it.each(bombs)('whose computing would be an attack is refused before anything is computed: %s', (stored) => {
    expect(reasonOf(stored)).toBe('too_costly');
  });
  it.each(broken)('that is not exactly of its kind is refused: %j', (stored) => {
    expect(reasonOf(stored)).toBe('malformed');
  });
  it.each(unknown)('of no known kind is refused: %j', (stored) => {
    expect(reasonOf(stored)).toBe('unknown');
  });
});

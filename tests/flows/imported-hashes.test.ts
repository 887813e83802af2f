import { openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

/** Made with Django 5.2.19, passlib 1.7.4 and bcrypt 4.0.1; the micro sign is one that NFKC replaces. */
const password = 'Tr0ub4dor & 3 \u00b5';
const hashes = {
  'django-pbkdf2': 'pbkdf2_sha256$1000$saltySalt12$KHbc65hR12eoMJJuFlOrrtDSAWzFZrAhb6RUPbH0Wxo=',
  'django-scrypt':
    'scrypt$1024$saltySalt12$8$2$C/LWAtVTJXEw6ZCJWa61npGljpjsoJQ3M7aTubr/h/0Q1jhT2r+x4Pup7Kmg1E3QDif9oNZF4MKzyJ9bgHbV4g==',
  'django-bcrypt': 'bcrypt$$2b$04$qoxLwHhuLNvWsULkD1svd.ixuXAJ1pGIcRRRPJwdqlGKCn.iwQyaS',
  'django-argon2': 'argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdHlTYWx0MTI$0lgaorPzaH4q5CO+Th44uvyl0/qY2WVh97gNe3LIpmk',
  'passlib-pbkdf2': '$pbkdf2-sha256$1000$//79MDEyMzQ1Njc4OWFiYw$MHm17Liv0KE4bF7p5K4yYJVUWUmzeaKStn8V/Uy7UXI',
  'php-bcrypt': '$2y$04$X/McctNwhzBYmG0p4kmPV.veM75YCXGa53wSDODGiYchmS3ascEiS',
} as const;

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer();
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const importUser = async (identifier: string, passwordHash: string, roles: readonly string[] = []) => {
  const maintenance = await openMaintenance(issuer.folder.settings);
  try {
    return await maintenance.importUser({ identifier, passwordHash, name: 'Ann', roles, permissions: [] });
  } finally {
    await maintenance.close();
  }
};
const rowsOf = (email: string) =>
  issuer.folder.database.query(`SELECT password_hash FROM users WHERE email = '${email}'`);
const storedHash = async (email: string) => String((await rowsOf(email))[0]?.['password_hash']);

describe('accounts that come with a password hash', () => {
  it.each(Object.entries(hashes))(
    '%s: the old password logs in, and the hash is a new one then',
    async (kind, hash) => {
      const email = `${kind}@example.org`;
      expect(await importUser(email, hash, ['user', 'auditor'])).toMatchObject({
        kind: 'imported',
        user: { email, roles: ['user', 'auditor'] },
      });
      expect(hash.endsWith(await storedHash(email))).toBe(true);
      const wrong = await call('POST', '/auth/login', { body: { email, password: 'Tr0ub4dor & 3' } });
      expectProblem(wrong, 'credentials_invalid', 'Invalid credentials');
      expect(hash.endsWith(await storedHash(email))).toBe(true);
      expect((await login(call, { email, password, name: '' })).access).toBeTruthy();
      const fresh = await storedHash(email);
      expect(fresh).toMatch(/^\$2b\$10\$/);
      // From now on any spelling that NFKC makes one, and the same hash again.
      expect((await login(call, { email, password: password.normalize('NFKC'), name: '' })).access).toBeTruthy();
      expect(await storedHash(email)).toBe(fresh);
    },
  );

  it.each([
    ['unknown', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['malformed', '$2b$12$tooshort'],
    ['too_costly', `$2b$31$${'a'.repeat(53)}`],
    ['too_costly', `$argon2id$v=19$m=4194304,t=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`],
  ])('are refused (%s) where the hash could never be verified: %s', async (reason, hash) => {
    expect(await importUser('refused@example.org', hash)).toEqual({ kind: 'hash_refused', reason });
    expect([...(await rowsOf('refused@example.org'))]).toEqual([]);
  });

  it('are refused where the identifier is taken or is none', async () => {
    await importUser('taken@example.org', hashes['php-bcrypt']);
    expect(await importUser('Taken@Example.org', hashes['php-bcrypt'])).toEqual({ kind: 'taken' });
    expect(await importUser('nobody', hashes['php-bcrypt'])).toEqual({ kind: 'identifier_invalid' });
  });
});

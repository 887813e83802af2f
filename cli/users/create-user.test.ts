import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';

afterAll(removeFolders);

const newKey = (): string => randomBytes(32).toString('base64url');
const environment = (preset: string): Record<string, string> => ({
  SALLYPORT_PRESET: preset,
  SALLYPORT_DATA_DIR: newFolder(),
  SALLYPORT_ROOT_KEYS: `1:${newKey()}`,
  CSRF_KEYS: `1:${newKey()}`,
  JWT_SECRET: newKey(),
  BCRYPT_COST: '10',
});

describe('sallyport users create', () => {
  it('holds passwords against the rules of the server, and says why one is refused', () => {
    const env = environment('cookie-spa');
    const create = (input: string) =>
      sallyport(['users', 'create', 'ada@example.org', '--name', 'Ada Lovelace', '--json'], { env, input });
    for (const [input, message] of [
      ['sunshine\n', /^The password is refused \(password_common\): This is a .*used password\. Add more words/],
      ['adalovelace\n', /^The password is refused \(password_personal\): The password is made of your name/],
      ['kitten9tree\n', /^The password is refused \(password_weak\): /],
      ['short\n', /^The password is refused \(password_too_short\): This password is too short\. Add more/],
    ] as const) {
      expect(create(input)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(message) });
    }
    expect(create('StrongPass123!\n')).toMatchObject({ status: 0, stderr: '' });
  });

  it('takes a password hash of another system, and refuses what could never be verified', () => {
    const env = environment('microservices');
    const create = (email: string, input: string) =>
      sallyport(['users', 'create', email, '--password-hash', '--role', 'admin', '--json'], { env, input });
    // Made with passlib 1.7.4.
    const hash = '$pbkdf2-sha256$1000$//79MDEyMzQ1Njc4OWFiYw$MHm17Liv0KE4bF7p5K4yYJVUWUmzeaKStn8V/Uy7UXI';
    const created = create('ann@example.org', `${hash}\n`);
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(created.stdout)).toMatchObject({ email: 'ann@example.org', roles: ['admin'] });
    expect(created.stdout).not.toContain('pbkdf2');
    expect(create('ann@example.org', hash)).toMatchObject({ status: 1, stderr: expect.stringContaining('exists') });
    for (const [input, message] of [
      ['correct horse battery', /none of bcrypt, Argon2, PBKDF2 and scrypt/],
      ['$2b$12$short', /not well formed/],
      [`$2b$31$${'a'.repeat(53)}`, /too much memory or time/],
    ] as const) {
      expect(create('bob@example.org', input)).toMatchObject({ status: 1, stderr: expect.stringMatching(message) });
    }
  });
});

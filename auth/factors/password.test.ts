import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { createHashPool } from './hash-pool.ts';
import { openPasswordFactor } from './index.ts';
import { createBcrypt } from './password-hash.ts';

const pool = createHashPool({ places: 2, maxWaiting: 100, maxWaitMs: 20_000 });
const open = (passwordHash: 'argon2id' | 'bcrypt', bcryptCost = 10) =>
  openPasswordFactor({ passwordHash, bcryptCost, passwordMinLength: 8 }, pool, systemRandom);

describe('passwords', () => {
  it('are hashed with OWASP Argon2id parameters or bcrypt of the cost that is set', async () => {
    expect(await (await open('argon2id')).hash('correct horse')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await (await open('bcrypt', 12)).hash('correct horse')).toMatch(/^\$2b\$12\$/);
  });

  it('are right, wrong, or right but hashed with older settings', async () => {
    const argon = await open('argon2id');
    const bcrypt = await open('bcrypt');
    const old = { passwordHash: await bcrypt.hash('correct horse') };
    expect(await bcrypt.verify(old, 'correct horse')).toBe('right');
    expect(await bcrypt.verify(old, 'wrong horse')).toBe('wrong');
    expect(await argon.verify(old, 'correct horse')).toBe('outdated');
    expect(await (await open('bcrypt', 11)).verify(old, 'correct horse')).toBe('outdated');
    expect(await argon.verify(old, 'wrong horse')).toBe('wrong');
  });

  it('never match for an account that does not exist or has no password', async () => {
    const factor = await open('argon2id');
    expect(await factor.verify(undefined, 'correct horse')).toBe('wrong');
    expect(await factor.verify({ passwordHash: undefined }, 'correct horse')).toBe('wrong');
  });

  it('are one password in every spelling that NFKC makes one', async () => {
    const factor = await open('bcrypt');
    const stored = { passwordHash: await factor.hash('ｃorrect hörse') };
    expect(await factor.verify(stored, 'correct ho\u0308rse')).toBe('right');
  });

  it('are refused beyond 72 bytes by bcrypt, never cut', async () => {
    const factor = await open('bcrypt');
    const seventyTwo = 'x'.repeat(72);
    expect(factor.check(seventyTwo)).toBeUndefined();
    expect(factor.check(`${seventyTwo}y`)).toEqual({ code: 'password_too_long', params: { limitBytes: 72 } });
    expect(factor.check('ö'.repeat(37))).toMatchObject({ code: 'password_too_long' });
    const stored = { passwordHash: await factor.hash(seventyTwo) };
    expect(await factor.verify(stored, `${seventyTwo}y`)).toBe('wrong');
    await expect(createBcrypt(10).hash(`${seventyTwo}y`)).rejects.toThrow();
  });

  it('count code points after NFKC, not bytes', async () => {
    const factor = await open('argon2id');
    expect(factor.check('ö'.repeat(7))).toEqual({ code: 'password_too_short', params: { minimum: 8 } });
    expect(factor.check('😀'.repeat(8))).toBeUndefined();
  });
});

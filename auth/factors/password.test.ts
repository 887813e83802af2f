import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { createHashPool } from './hash-pool.ts';
import { createBcrypt } from './hashes/bcrypt.ts';
import { openPasswordFactor } from './index.ts';

const pool = createHashPool({ places: 2, maxWaiting: 100, maxWaitMs: 20_000 });
const open = (passwordHash: 'argon2id' | 'bcrypt', bcryptCost = 10) =>
  openPasswordFactor({ passwordHash, bcryptCost }, pool, systemRandom);

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

  it('never match beyond 72 bytes with bcrypt: nothing is cut', async () => {
    const factor = await open('bcrypt');
    const seventyTwo = 'x'.repeat(72);
    const stored = { passwordHash: await factor.hash(seventyTwo) };
    expect(await factor.verify(stored, seventyTwo)).toBe('right');
    expect(await factor.verify(stored, `${seventyTwo}y`)).toBe('wrong');
    await expect(createBcrypt(10).hash(`${seventyTwo}y`)).rejects.toThrow();
  });

  it('with a NUL never match with bcrypt, which takes `pw` and `pw NUL pw` for one', async () => {
    const factor = await open('bcrypt');
    const stored = { passwordHash: await factor.hash('correct horse') };
    for (const guess of ['correct horse\0correct horse', 'correct horse\0', 'correct horse\0battery']) {
      expect(await factor.verify(stored, guess)).toBe('wrong');
    }
  });

  it('that the present hash cannot take keep the hash that they have', async () => {
    const argon = await open('argon2id');
    const long = 'correct horse '.repeat(6);
    expect(await (await open('bcrypt')).verify({ passwordHash: await argon.hash(long) }, long)).toBe('right');
    expect(await argon.verify({ passwordHash: await argon.hash(long) }, long)).toBe('right');
  });

  it('are wrong, and cost a hash, where the stored form is none that can be verified', async () => {
    const factor = await open('argon2id');
    for (const passwordHash of [
      '',
      'plain',
      '$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA',
      '$2x$10$x',
    ]) {
      const before = pool.started;
      expect(await factor.verify({ passwordHash }, 'correct horse')).toBe('wrong');
      expect(pool.started).toBe(before + 1);
    }
  });
});

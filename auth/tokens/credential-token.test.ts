import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it, vi } from 'vitest';
import { digestOf, drawToken, isDigest, parseToken, writeToken } from './credential-token.ts';

/** Passes every comparison on, and remembers what was compared. */
const compared = vi.hoisted(() => [] as number[]);
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  const timingSafeEqual: typeof crypto.timingSafeEqual = (one, other) => {
    compared.push(one.byteLength);
    return crypto.timingSafeEqual(one, other);
  };
  return { ...crypto, timingSafeEqual };
});

describe('the text of a credential', () => {
  it('is read back, has 256 random bits behind a name of its own, and fits the form that scanners know', () => {
    const texts = Array.from({ length: 200 }, () => writeToken(drawToken(systemRandom)));
    for (const text of texts) {
      expect(text).toMatch(/^sp_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
      const parsed = parseToken(text);
      expect(parsed?.secret.length).toBe(32);
      expect(parsed && writeToken(parsed)).toBe(text);
    }
    expect(new Set(texts.map((text) => text.slice(0, 15))).size).toBe(texts.length);
  });

  it('has one spelling: whatever else is no credential', () => {
    const text = writeToken({ ...drawToken(systemRandom), secret: Buffer.alloc(32) });
    expect(parseToken(text)).toBeDefined();
    const others = [
      ...[`${text} `, ` ${text}`, `${text}\n`, text.toUpperCase(), text.slice(0, -1), `${text}A`, ''],
      // The last character of 43 has two bits that no byte holds.
      text.replace(/A$/, 'B'),
      text.replace(/^sp_/, 'sq_'),
      text.replace(/^sp_./, 'sp_o'),
      `${text}=`,
    ];
    for (const other of others) expect(parseToken(other), JSON.stringify(other)).toBeUndefined();
  });
});

describe('a digest', () => {
  it('belongs to one credential alone', () => {
    const token = drawToken(systemRandom);
    expect(isDigest(token, digestOf(token))).toBe(true);
    const sameSecret = { ...drawToken(systemRandom), secret: token.secret };
    expect(isDigest(sameSecret, digestOf(token))).toBe(false);
    for (const place of [0, 31]) {
      const other = Buffer.from(digestOf(token));
      other[place] = Number(other[place]) ^ 1;
      expect(isDigest(token, other)).toBe(false);
    }
  });

  it('is compared as a whole, in one time, also where nothing is stored', () => {
    const token = drawToken(systemRandom);
    const other = Buffer.alloc(32);
    other[0] = Number(digestOf(token)[0]) ^ 255;
    compared.length = 0;
    for (const stored of [digestOf(token), other, undefined]) isDigest(token, stored);
    expect(compared).toEqual([32, 32, 32]);
  });
});

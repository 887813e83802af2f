import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTokenCache } from './token-cache.ts';

const token = (): string => randomBytes(450).toString('base64url');

describe('token cache', () => {
  it('stays within its bytes', () => {
    const cache = createTokenCache<number>(100_000);
    for (let count = 0; count < 2000; count += 1) {
      const each = token();
      cache.set(each, count);
      if (count % 2 === 0) cache.get(each);
    }
    expect(cache.stats().bytes).toBeLessThanOrEqual(100_000);
    expect(cache.stats().entries).toBeGreaterThan(5);
  });

  it('keeps tokens in use through a flood of one-time tokens', () => {
    const cache = createTokenCache<number>(400_000);
    const used = Array.from({ length: 20 }, token);
    for (const each of used) {
      cache.set(each, 1);
      cache.get(each);
    }
    for (let round = 0; round < 100; round += 1) {
      for (let count = 0; count < 100; count += 1) cache.set(token(), 0);
      // One use of each in a hundred one-time tokens' time.
      for (const each of used) expect(cache.get(each)).toBe(1);
    }
  });

  it('admits a token that comes back during a flood', () => {
    const cache = createTokenCache<number>(400_000);
    const late = token();
    for (let count = 0; count < 500; count += 1) cache.set(token(), 0);
    cache.set(late, 1);
    for (let count = 0; count < 200; count += 1) cache.set(token(), 0);
    expect(cache.get(late)).toBeUndefined();
    cache.set(late, 1);
    for (let count = 0; count < 200; count += 1) cache.set(token(), 0);
    expect(cache.get(late)).toBe(1);
  });

  it('lets go of what is no longer used', () => {
    const cache = createTokenCache<number>(100_000);
    const old = token();
    cache.set(old, 1);
    cache.get(old);
    for (let count = 0; count < 500; count += 1) {
      const next = token();
      cache.set(next, 0);
      cache.get(next);
    }
    expect(cache.get(old)).toBeUndefined();
  });

  it('finds by the whole token, not by its end', () => {
    const cache = createTokenCache<number>(100_000);
    const end = token().slice(-40);
    cache.set(`a${end}`, 1);
    expect(cache.get(`b${end}`)).toBeUndefined();
    cache.set(`b${end}`, 2);
    expect([cache.get(`a${end}`), cache.get(`b${end}`)]).toEqual([1, 2]);
    cache.delete(`a${end}`);
    expect(cache.get(`b${end}`)).toBe(2);
    cache.delete(`b${end}`);
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 });
  });
});

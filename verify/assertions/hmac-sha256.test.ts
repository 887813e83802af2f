import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { createHmacSha256 } from './hmac-sha256.ts';

const expected = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('base64url');
const ascii = (length: number): string =>
  Array.from({ length }, () => String.fromCharCode(randomInt(32, 127))).join('');

it('is HMAC-SHA-256: RFC 4231, test case 2', () => {
  const mac = createHmacSha256(Buffer.from('Jefe'))('what do ya want for nothing?');
  const published = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
  expect(Buffer.from(mac, 'base64url').toString('hex')).toBe(published);
});

it('agrees with node:crypto for keys and texts of every length, one after the other', () => {
  for (const keyLength of [0, 1, 31, 32, 63, 64]) {
    const key = randomBytes(keyLength);
    const mac = createHmacSha256(key);
    for (const length of [0, 1, 55, 56, 63, 64, 65, 300, 8191, 8192, 8193, 20_000, 3]) {
      const text = ascii(length);
      expect(mac(text)).toBe(expected(key, text));
    }
  }
});

it('takes no key that would have to be hashed', () => {
  expect(() => createHmacSha256(randomBytes(65))).toThrow(TypeError);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decode, encode } from './base64url.ts';

it('decodes what it encodes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(decode(encode(bytes))?.equals(bytes)).toBe(true);
    }),
  );
});

it('refuses every text that is not the one spelling of its bytes', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      const bytes = decode(text);
      expect(bytes === undefined || encode(bytes) === text).toBe(true);
    }),
  );
  for (const text of ['AA==', 'AB', 'AAB', 'A', 'AAAAA', 'A+AA', 'A/AA', 'AA AA', 'AAAA\n', 'AAA=', 'ÄAAA']) {
    expect(decode(text), JSON.stringify(text)).toBeUndefined();
  }
  expect(decode('')).toHaveLength(0);
});

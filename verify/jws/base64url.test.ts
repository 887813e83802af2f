import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url } from './base64url.ts';

describe('base64url', () => {
  it.each(['YQ==', 'YQ=', 'YR', 'YS', 'Y', 'YQ\n', ' YQ', 'Y+', 'Y/', 'Y%51', 'YQ.', 'ÿ'])('refuses %j', (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });

  it('has one spelling for each sequence of bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        expect(decodeBase64url(Buffer.from(bytes).toString('base64url'))).toEqual(Buffer.from(bytes));
        const decoded = decodeBase64url(text);
        if (decoded) expect(decoded.toString('base64url')).toBe(text);
      }),
    );
  });
});

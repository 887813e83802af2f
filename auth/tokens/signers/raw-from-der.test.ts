import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { rawFromDer } from './raw-from-der.ts';

describe('a signature in DER', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  it('is the same signature as R ‖ S, short numbers included', () => {
    for (let each = 0; each < 600; each += 1) {
      const input = Buffer.from(`input ${each}`);
      const der = sign('sha256', input, privateKey);
      const raw = rawFromDer(der);
      expect(verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
    }
    expect(rawFromDer(Buffer.from('3006020101020102', 'hex')).toString('hex')).toBe(
      `${'00'.repeat(31)}01${'00'.repeat(31)}02`,
    );
  });

  it.each([
    ['nothing', ''],
    ['another type', '3106020101020102'],
    ['a byte behind it', '300602010102010200'],
    ['a length that is not its own', '3007020101020102'],
    ['a negative number', '3006020181020102'],
    ['a number that is longer than it has to be', '300702020001020102'],
    ['a number without digits', '30050200020102'],
    ['a number of 33 bytes', `3026022101${'00'.repeat(32)}020102`],
    ['one number', '3003020101'],
  ])('that is not strict is refused: %s', (_, hex) => {
    expect(() => rawFromDer(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ reason: 'malformed' }));
  });
});

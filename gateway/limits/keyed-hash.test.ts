import { expect, it } from 'vitest';
import { hashText } from './keyed-hash.ts';

/** Bytes 0, 1, 2 … as the units of a text. */
const textOf = (bytes: number): string => Buffer.from(Array.from({ length: bytes }, (_, at) => at)).toString('utf16le');

const hashOf = (text: string): string => {
  const into = { low: 0, high: 0 };
  hashText(text, { low: 0x03020100, high: 0x07060504 }, into);
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(into.low, 0);
  bytes.writeInt32LE(into.high, 4);
  return bytes.toString('hex');
};

it('is HalfSipHash-2-4: the vectors of its authors (vectors_hsip64), those of an even length', () => {
  expect([0, 2, 4, 6, 8].map((bytes) => hashOf(textOf(bytes)))).toEqual([
    '218d1f59b9b83cc8',
    '064f39ef7c50eb57',
    'd5e78a175be52ea1',
    'ce3e91358aa2bc25',
    'edfee820bce4858c',
  ]);
});

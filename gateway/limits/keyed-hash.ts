/** 64 bits as two signed 32-bit words. */
export interface HashWords {
  low: number;
  high: number;
}

/** Two UTF-16 units a word; the last word carries what is left, and the length in bytes in its upper eighth. */
const wordAt = (text: string, at: number, last: number): number => {
  const unit = at * 2;
  if (at < last) return text.charCodeAt(unit) | (text.charCodeAt(unit + 1) << 16);
  return ((text.length * 2) << 24) | (unit < text.length ? text.charCodeAt(unit) : 0);
};

/**
 * HalfSipHash-2-4 with 64 bits out (J.-P. Aumasson, github.com/veorq/SipHash) over the UTF-16LE bytes of a text, in place: `into` is
 * overwritten, since this runs once a request. Without the key nobody can choose addresses or users that fall on one another.
 */
export const hashText = (text: string, key: Readonly<HashWords>, into: HashWords): void => {
  let v0 = key.low;
  let v1 = key.high ^ 0xee;
  let v2 = key.low ^ 0x6c796765;
  let v3 = key.high ^ 0x74656462;
  const last = text.length >> 1;
  // Behind the words come two turns without one, four rounds each: they end the two halves of the hash.
  for (let turn = 0; turn <= last + 2; turn += 1) {
    const word = turn <= last ? wordAt(text, turn, last) : 0;
    v3 ^= word;
    if (turn === last + 1) v2 ^= 0xee;
    if (turn === last + 2) {
      into.low = v1 ^ v3;
      v1 ^= 0xdd;
    }
    for (let round = turn <= last ? 2 : 4; round > 0; round -= 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  into.high = v1 ^ v3;
};

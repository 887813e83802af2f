import type { CheckedProof, ProofUse } from '@sallyport/verify';
import { type HashWords, hashText } from '../limits/keyed-hash.ts';

/** Where all threads of the process remember which proofs were used. */
export interface SharedProofs {
  readonly memory: SharedArrayBuffer;
  /** Drawn at the start of the process, told to nobody: who sends proofs cannot choose where they fall. */
  readonly hashKey: HashWords;
  /** Proofs from before are refused: whether they were used nobody knows. */
  readonly bornMs: number;
}

/** Places in a bucket: two cache lines. */
const ways = 16;
const defaultPlaces = 1_048_576;
const bytesPerPlace = 8;

/** Empty. `places` is a power of two; default 1,048,576, 8 MB of which what was never used takes nothing. */
export const createProofMemoryOf = (places = defaultPlaces): SharedArrayBuffer => {
  if (places < ways || !Number.isInteger(Math.log2(places)))
    throw new TypeError('createProofMemoryOf: no power of two');
  return new SharedArrayBuffer(places * bytesPerPlace);
};

/**
 * A place is one word: 32 bits of the proof's hash, and above them the second at which it is too old; the bucket is the other half of the
 * hash. So a place is taken in one compare-and-exchange, and there is no lock that a thread could die with. Whoever has written looks once
 * more: two threads with one proof may both find the other and both refuse, and never both let it pass. Where a bucket is full of proofs that
 * could still be replayed, the new one is refused.
 */
export const openProofTable = ({ memory, hashKey, bornMs }: SharedProofs) => {
  const places = new BigInt64Array(memory);
  const buckets = places.length / ways;
  const words: HashWords = { low: 0, high: 0 };

  const isSame = (place: bigint, tag: bigint): boolean => (place & 0xffff_ffffn) === tag;
  const endsAt = (place: bigint): bigint => (place >> 32n) & 0xffff_ffffn;

  return Object.freeze({
    use: ({ id, madeAtMs, endsAtMs }: Pick<CheckedProof, 'id' | 'madeAtMs' | 'endsAtMs'>, nowMs: number): ProofUse => {
      if (madeAtMs < bornMs) return 'replayed';
      hashText(id, hashKey, words);
      const first = ((words.high >>> 0) & (buckets - 1)) * ways;
      const tag = BigInt(words.low >>> 0);
      const mine = BigInt.asIntN(64, (BigInt(Math.ceil(endsAtMs / 1000)) << 32n) | tag);
      const now = BigInt(Math.floor(nowMs / 1000));
      for (;;) {
        let free = -1;
        let held = 0n;
        for (let at = first; at < first + ways; at += 1) {
          const place = Atomics.load(places, at);
          const isOver = endsAt(place) <= now;
          if (isSame(place, tag) && !isOver) return 'replayed';
          if (!isOver || free >= 0) continue;
          free = at;
          held = place;
        }
        if (free < 0) return 'full';
        if (Atomics.compareExchange(places, free, held, mine) !== held) continue;
        for (let at = first; at < first + ways; at += 1) {
          if (at === free) continue;
          const place = Atomics.load(places, at);
          if (isSame(place, tag) && endsAt(place) > now) return 'replayed';
        }
        return 'first';
      }
    },
  });
};

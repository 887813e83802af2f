/**
 * Randomness as an argument. Everything that draws keys, salts, nonces or ids is given a `Random`.
 * `systemRandom` is the operating system's generator; `insecureSeededRandom` repeats itself and is for tests only.
 * Never: `Math.random`.
 */
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { createUuidV7 } from './uuid.ts';

export { isUuidText, uuidFromBytes, uuidTimeMs, uuidToBytes } from './uuid.ts';

export interface Random {
  /** `count` fresh random bytes in a buffer of the caller's own. */
  bytes(count: number): Buffer;
  /** A new UUIDv7 as lower-case text; within the process and one millisecond the texts rise (RFC 9562 §6.2). */
  uuidv7(nowMs: number): string;
}

const poolBytes = 8192;
/** Longer draws go to the generator directly: they would only empty the pool. */
const pooledDrawLimit = 512;

/** Draws in bulk: one call into the generator per 8 KiB instead of one per id. */
const createPooledBytes = (): ((count: number) => Buffer) => {
  const pool = Buffer.allocUnsafeSlow(poolBytes);
  let used = poolBytes;
  return (count) => {
    if (count > pooledDrawLimit) return randomBytes(count);
    if (used + count > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const drawn = Buffer.from(pool.subarray(used, used + count));
    // What was handed out may be a key: no second copy stays in the pool.
    pool.fill(0, used, used + count);
    used += count;
    return drawn;
  };
};

const createRandom = (bytes: (count: number) => Buffer): Random =>
  Object.freeze({ bytes: (count: number) => bytes(wholeCount(count)), uuidv7: createUuidV7(bytes) });

const wholeCount = (count: number): number => {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError('bytes: count must be a whole number from 0');
  return count;
};

/** The operating system's generator, pooled. */
export const systemRandom: Random = createRandom(createPooledBytes());

/** INSECURE, for tests: the same `seed` gives the same bytes in the same order (SHA-256 in counter mode). */
export const insecureSeededRandom = (seed: number | string): Random => {
  let blocks = 0;
  let rest = Buffer.alloc(0);
  return createRandom((count) => {
    while (rest.length < count) {
      const block = createHash('sha256').update(`${seed}:${blocks}`).digest();
      rest = Buffer.concat([rest, block]);
      blocks += 1;
    }
    const drawn = Buffer.from(rest.subarray(0, count));
    rest = rest.subarray(count);
    return drawn;
  });
};

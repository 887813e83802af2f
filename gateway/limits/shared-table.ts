import { waitOf } from '../gcra.ts';

export interface SharedTable {
  /** As `Gcra.take`, for the counter that these words name. `high` chooses the bucket, `low` the place in it. */
  take(low: number, high: number, intervalMs: number, toleranceMs: number, nowMs: number): number;
  wait(low: number, high: number, toleranceMs: number, nowMs: number): number;
  raise(low: number, high: number, arrivalMs: number, nowMs: number): void;
}

/** Places in a bucket: two cache lines. */
const ways = 8;
const bytesPerPlace = 12;
const bytesPerLock = 4;
const defaultPlaces = 262_144;

/** Tries before a thread sleeps, how long it sleeps, and how often before it takes a lock that its holder will not give back. */
const spins = 200;
const napMs = 0.2;
const naps = 500;

/** Memory for counters that all threads of the process share, empty. `places` is a power of two; default 262,144, 3.3 MB. */
export const createTableMemory = (places = defaultPlaces): SharedArrayBuffer => {
  if (places < ways || !Number.isInteger(Math.log2(places))) throw new TypeError('createTableMemory: no power of two');
  return new SharedArrayBuffer(places * bytesPerPlace + (places / ways) * bytesPerLock);
};

const viewsOf = (memory: SharedArrayBuffer) => {
  const places = memory.byteLength / (bytesPerPlace + bytesPerLock / ways);
  return {
    buckets: places / ways,
    arrivals: new Float64Array(memory, 0, places),
    tags: new Int32Array(memory, places * 8, places),
    locks: new Int32Array(memory, places * bytesPerPlace, places / ways),
  };
};

/**
 * The generic cell rate algorithm over threads, exact: whoever looks at a bucket holds its lock for some hundred nanoseconds. Inside
 * nothing is allocated, called or thrown. A thread that was killed there is not waited for: the main thread gives its locks back, and
 * after a tenth of a second whoever waits takes over. Where a bucket is full, the place that owes least is given away: whoever is limited stays so.
 * @param thread a number of this thread's own, from 1
 */
export const openSharedTable = (memory: SharedArrayBuffer, thread: number): SharedTable => {
  const { buckets, arrivals, tags, locks } = viewsOf(memory);

  const lock = (bucket: number): void => {
    for (let tries = 0; ; tries += 1) {
      const holder = Atomics.compareExchange(locks, bucket, 0, thread);
      if (holder === 0) return;
      if (tries < spins) continue;
      Atomics.wait(locks, bucket, holder, napMs);
      if (tries < spins + naps) continue;
      if (Atomics.compareExchange(locks, bucket, holder, thread) === holder) return;
    }
  };
  /** Only if it is still ours: it may have been taken over. */
  const unlock = (bucket: number): void => void Atomics.compareExchange(locks, bucket, thread, 0);

  const bucketOf = (high: number): number => (high >>> 0) & (buckets - 1);

  /** Its place in the bucket, or -1. */
  const find = (bucket: number, tag: number): number => {
    const first = bucket * ways;
    for (let at = first; at < first + ways; at += 1) if (tags[at] === tag) return at;
    return -1;
  };
  const leastOwing = (bucket: number): number => {
    const first = bucket * ways;
    let least = first;
    for (let at = first + 1; at < first + ways; at += 1) {
      if ((arrivals[at] ?? 0) < (arrivals[least] ?? 0)) least = at;
    }
    return least;
  };
  const write = (bucket: number, at: number, tag: number, arrivalMs: number): void => {
    const place = at < 0 ? leastOwing(bucket) : at;
    tags[place] = tag;
    arrivals[place] = arrivalMs;
  };
  const arrivalAt = (at: number, nowMs: number): number => (at < 0 ? nowMs : Math.max(arrivals[at] ?? 0, nowMs));

  return Object.freeze<SharedTable>({
    take: (low, high, intervalMs, toleranceMs, nowMs) => {
      const bucket = bucketOf(high);
      lock(bucket);
      const at = find(bucket, low);
      const arrivalMs = arrivalAt(at, nowMs);
      const waitMs = waitOf(arrivalMs - toleranceMs - nowMs);
      if (waitMs === 0) write(bucket, at, low, arrivalMs + intervalMs);
      unlock(bucket);
      return waitMs;
    },
    wait: (low, high, toleranceMs, nowMs) => {
      const bucket = bucketOf(high);
      lock(bucket);
      const arrivalMs = arrivalAt(find(bucket, low), nowMs);
      unlock(bucket);
      return waitOf(arrivalMs - toleranceMs - nowMs);
    },
    raise: (low, high, arrivalMs, nowMs) => {
      const bucket = bucketOf(high);
      lock(bucket);
      const at = find(bucket, low);
      if (arrivalMs > arrivalAt(at, nowMs)) write(bucket, at, low, arrivalMs);
      unlock(bucket);
    },
  });
};

/** Gives back what a thread held when it died. */
export const releaseLocksOf = (memory: SharedArrayBuffer, thread: number): void => {
  const { locks, buckets } = viewsOf(memory);
  for (let bucket = 0; bucket < buckets; bucket += 1) Atomics.compareExchange(locks, bucket, thread, 0);
};

/**
 * The verified-token cache's memory: S3-FIFO. A new token enters a small probation queue; only one that is asked for again
 * reaches the main queue (CLOCK with a counter). A flood of valid one-time tokens thus displaces other newcomers, never
 * the tokens in use. It knows nothing of validity: whoever asks judges each hit again.
 */
export interface TokenCache<Value> {
  get(token: string): Value | undefined;
  set(token: string, value: Value): void;
  delete(token: string): void;
  stats(): { readonly entries: number; readonly bytes: number; readonly evictions: number };
}

interface Entry<Value> {
  readonly token: string;
  readonly slot: number;
  readonly bytes: number;
  readonly value: Value;
  queue: Queue<Value>;
  visits: number;
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
  /** The next one of the same slot. */
  next: Entry<Value> | undefined;
}

interface Queue<Value> {
  oldest: Entry<Value> | undefined;
  newest: Entry<Value> | undefined;
  bytes: number;
  entries: number;
}

/** Objects around a token: entry, claims, maps, and headers prepared from it. */
const entryOverheadBytes = 1536;
const bytesPerCharacter = 4;
const maxVisits = 3;
const probationShare = 0.1;
/**
 * And so many tokens at most: what a flood leaves behind is to die before the young generation is collected. A token in use that is
 * displaced meanwhile is verified once more when it comes back, and then stays.
 */
const longestProbation = 64;
const ghostBytes = 96;

const push = <Value>(queue: Queue<Value>, entry: Entry<Value>): void => {
  entry.queue = queue;
  entry.older = queue.newest;
  entry.newer = undefined;
  if (queue.newest) queue.newest.newer = entry;
  else queue.oldest = entry;
  queue.newest = entry;
  queue.bytes += entry.bytes;
  queue.entries += 1;
};

const unlink = <Value>(entry: Entry<Value>): void => {
  const { queue, older, newer } = entry;
  if (older) older.newer = newer;
  else queue.oldest = newer;
  if (newer) newer.older = older;
  else queue.newest = older;
  queue.bytes -= entry.bytes;
  queue.entries -= 1;
  // A dead entry that has grown old would hold on to the younger one behind it, and that to the next: none would be collected young.
  entry.older = undefined;
  entry.newer = undefined;
};

const emptyQueue = <Value>(): Queue<Value> => ({ oldest: undefined, newest: undefined, bytes: 0, entries: 0 });

/** The last characters of a token are the end of its signature: as good as random, and nobody but the issuer chooses them. */
const hashedCharacters = 6;

const hashOf = (token: string): number => {
  let hash = 0;
  for (let at = Math.max(0, token.length - hashedCharacters); at < token.length; at += 1) {
    hash = (Math.imul(hash, 61) + token.charCodeAt(at)) | 0;
  }
  // Murmur3's last mix: neighbours in one character part ways.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  // 31 bits without sign: V8 keeps such a number in place, and not as an object.
  return (hash ^ (hash >>> 13)) >>> 1;
};

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(least, 16)));

/** Tokens that left probation unvisited, by their hash alone: one that comes back is in use. Half of them are forgotten at a time. */
const createGhosts = (count: number) => {
  let newer = new Set<number>();
  let older = new Set<number>();
  return {
    add: (hash: number): void => {
      newer.add(hash);
      if (newer.size <= count / 2) return;
      older = newer;
      newer = new Set();
    },
    take: (hash: number): boolean => newer.delete(hash) || older.delete(hash),
  };
};

/**
 * Tables of its own instead of a Map and a Set: with thousands of newcomers a second those make a new table every few hundred, each
 * dead one holds on to the next (V8, OrderedHashTable::SetNextTable), and all that stood in them is collected with the old generation.
 * @param maxBytes estimated memory, entries and their overhead together
 */
export const createTokenCache = <Value>(maxBytes: number): TokenCache<Value> => {
  const slots: (Entry<Value> | undefined)[] = Array.from({ length: powerOfTwo(maxBytes / entryOverheadBytes / 2) });
  const slotMask = slots.length - 1;
  const probation = emptyQueue<Value>();
  const main = emptyQueue<Value>();
  const ghosts = createGhosts((maxBytes * probationShare) / ghostBytes);
  const maxProbationBytes = maxBytes * probationShare;
  let evictions = 0;

  /** The whole token has to be equal, byte for byte. */
  const find = (token: string, hash: number): Entry<Value> | undefined => {
    let entry = slots[hash & slotMask];
    while (entry !== undefined && entry.token !== token) entry = entry.next;
    return entry;
  };

  const drop = (entry: Entry<Value>): void => {
    unlink(entry);
    const first = slots[entry.slot];
    if (first === entry) slots[entry.slot] = entry.next;
    else {
      let before = first;
      while (before !== undefined && before.next !== entry) before = before.next;
      if (before !== undefined) before.next = entry.next;
    }
    entry.next = undefined;
  };

  const isProbationFull = (): boolean => probation.bytes > maxProbationBytes || probation.entries > longestProbation;

  /** A visited entry of probation moves to main, an unvisited one goes; one of main spends a visit to stay. */
  const evictStep = (): void => {
    const fromProbation = isProbationFull() || main.oldest === undefined;
    const entry = fromProbation ? probation.oldest : main.oldest;
    if (!entry) return;
    if (entry.visits > 0) {
      unlink(entry);
      entry.visits = fromProbation ? 0 : entry.visits - 1;
      push(main, entry);
      return;
    }
    drop(entry);
    evictions += 1;
    if (fromProbation) ghosts.add(hashOf(entry.token));
  };

  return {
    get(token) {
      const entry = find(token, hashOf(token));
      if (entry === undefined) return undefined;
      if (entry.visits < maxVisits) entry.visits += 1;
      return entry.value;
    },

    set(token, value) {
      const bytes = entryOverheadBytes + token.length * bytesPerCharacter;
      if (bytes > maxProbationBytes) return;
      const hash = hashOf(token);
      const present = find(token, hash);
      if (present) drop(present);
      const queue = ghosts.take(hash) ? main : probation;
      const slot = hash & slotMask;
      const entry: Entry<Value> = {
        // An own copy: a slice would keep the header block alive that it was cut from.
        token: Buffer.from(token, 'latin1').toString('latin1'),
        slot,
        bytes,
        value,
        queue,
        visits: 0,
        older: undefined,
        newer: undefined,
        next: slots[slot],
      };
      slots[slot] = entry;
      push(queue, entry);
      while (isProbationFull() || probation.bytes + main.bytes > maxBytes) evictStep();
    },

    delete(token) {
      const entry = find(token, hashOf(token));
      if (entry) drop(entry);
    },

    stats: () => ({
      entries: probation.entries + main.entries,
      bytes: probation.bytes + main.bytes,
      evictions,
    }),
  };
};

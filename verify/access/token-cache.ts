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
  readonly tail: string;
  readonly bytes: number;
  readonly value: Value;
  queue: Queue<Value>;
  visits: number;
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
}

interface Queue<Value> {
  oldest: Entry<Value> | undefined;
  newest: Entry<Value> | undefined;
  bytes: number;
}

/** The last characters of a token are the end of its signature: as good as random, and cheap to hash. */
const tailLength = 32;
/** Objects around a token: entry, claims, maps, and headers prepared from it. */
const entryOverheadBytes = 1536;
const bytesPerCharacter = 4;
const maxVisits = 3;
const probationShare = 0.1;
const ghostBytes = 96;

const push = <Value>(queue: Queue<Value>, entry: Entry<Value>): void => {
  entry.queue = queue;
  entry.older = queue.newest;
  entry.newer = undefined;
  if (queue.newest) queue.newest.newer = entry;
  else queue.oldest = entry;
  queue.newest = entry;
  queue.bytes += entry.bytes;
};

const unlink = <Value>(entry: Entry<Value>): void => {
  const { queue, older, newer } = entry;
  if (older) older.newer = newer;
  else queue.oldest = newer;
  if (newer) newer.older = older;
  else queue.newest = older;
  queue.bytes -= entry.bytes;
};

const emptyQueue = <Value>(): Queue<Value> => ({ oldest: undefined, newest: undefined, bytes: 0 });

/** @param maxBytes estimated memory, entries and their overhead together */
export const createTokenCache = <Value>(maxBytes: number): TokenCache<Value> => {
  const entries = new Map<string, Entry<Value>>();
  const probation = emptyQueue<Value>();
  const main = emptyQueue<Value>();
  // Tails of tokens that left probation unvisited: one that comes back goes to the main queue at once.
  const ghosts = new Set<string>();
  const maxGhosts = Math.floor((maxBytes * probationShare) / ghostBytes);
  let evictions = 0;

  const drop = (entry: Entry<Value>): void => {
    unlink(entry);
    entries.delete(entry.tail);
  };

  const remember = (tail: string): void => {
    ghosts.add(tail);
    if (ghosts.size <= maxGhosts) return;
    for (const oldest of ghosts) {
      ghosts.delete(oldest);
      break;
    }
  };

  /** A visited entry of probation moves to main, an unvisited one goes; one of main spends a visit to stay. */
  const evictStep = (): void => {
    const fromProbation = probation.bytes > maxBytes * probationShare || main.oldest === undefined;
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
    if (fromProbation) remember(entry.tail);
  };

  return {
    get(token) {
      const entry = entries.get(token.slice(-tailLength));
      // The tail only finds the entry. The whole token has to be equal, byte for byte.
      if (entry === undefined || entry.token !== token) return undefined;
      if (entry.visits < maxVisits) entry.visits += 1;
      return entry.value;
    },

    set(token, value) {
      const bytes = entryOverheadBytes + token.length * bytesPerCharacter;
      if (bytes > maxBytes * probationShare) return;
      // An own copy: a slice would keep the header block alive that it was cut from.
      const copy = Buffer.from(token, 'latin1').toString('latin1');
      const tail = copy.slice(-tailLength);
      const present = entries.get(tail);
      if (present) drop(present);
      const queue = ghosts.delete(tail) ? main : probation;
      const entry: Entry<Value> = {
        token: copy,
        tail,
        bytes,
        value,
        queue,
        visits: 0,
        older: undefined,
        newer: undefined,
      };
      entries.set(tail, entry);
      push(queue, entry);
      while (probation.bytes + main.bytes > maxBytes) evictStep();
    },

    delete(token) {
      const entry = entries.get(token.slice(-tailLength));
      if (entry?.token === token) drop(entry);
    },

    stats: () => ({ entries: entries.size, bytes: probation.bytes + main.bytes, evictions }),
  };
};

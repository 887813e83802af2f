import type { LimitNumbers } from '../rate-limiter.ts';

/** A limit that others count too. */
export interface CommonLimit {
  readonly name: string;
  readonly numbers: LimitNumbers;
  /** Takes what all have counted together into the local counter. */
  readonly raise: (key: string, arrivalMs: number, nowMs: number) => void;
}

/** What a key was given here and nobody else knows of yet. */
export interface Spent {
  readonly limit: CommonLimit;
  readonly key: string;
  readonly count: number;
}

export type Note = (key: string, count?: number) => void;

export interface Ledger {
  /** Opens a page for a limit; what it returns writes on it. */
  open(limit: CommonLimit): Note;
  /** Takes out what was written first, at most so many keys. */
  take(most: number): readonly Spent[];
  readonly size: number;
  /** Keys that were not written down, since the ledger was full: they count here alone. */
  readonly forgotten: number;
}

interface Page {
  readonly limit: CommonLimit;
  counts: Map<string, number>;
}

/** @param maxKeys keys remembered at most, of all limits together */
export const createLedger = ({ maxKeys }: { readonly maxKeys: number }): Ledger => {
  /** Those with something on them. */
  const pages = new Set<Page>();
  let size = 0;
  let forgotten = 0;

  const open = (limit: CommonLimit): Note => {
    const page: Page = { limit, counts: new Map() };
    return (key, count = 1) => {
      const known = page.counts.get(key);
      if (known !== undefined) return void page.counts.set(key, known + count);
      if (size >= maxKeys) {
        forgotten += 1;
        return;
      }
      if (page.counts.size === 0) pages.add(page);
      page.counts.set(key, count);
      size += 1;
    };
  };

  const takeOf = (page: Page, most: number): Spent[] => {
    const taken = [...page.counts].slice(0, most).map(([key, count]) => ({ limit: page.limit, key, count }));
    // A map that is emptied key by key keeps its table; most pages fit into one round.
    if (taken.length === page.counts.size) page.counts = new Map();
    else for (const { key } of taken) page.counts.delete(key);
    pages.delete(page);
    if (page.counts.size > 0) pages.add(page);
    return taken;
  };

  return Object.freeze({
    open,
    take: (most: number) => {
      const taken: Spent[] = [];
      for (const page of [...pages]) {
        if (taken.length >= most) break;
        taken.push(...takeOf(page, most - taken.length));
      }
      size -= taken.length;
      return taken;
    },
    get size() {
      return size;
    },
    get forgotten() {
      return forgotten;
    },
  });
};

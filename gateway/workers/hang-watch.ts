/** Tells of a worker whose event loop stands still: it would keep its share of the connections, and answer none of them. */
export interface HangWatch {
  /** To be called at even pauses. True once it has been seen standing still so often in a row. `beats` 0: it has not begun. */
  look(worker: number, beats: number): boolean;
}

/**
 * Looks are counted, not time: where the whole process was stopped for a while, only one look finds nothing new.
 * @param limit looks in a row
 */
export const createHangWatch = (limit: number): HangWatch => {
  const seen = new Map<number, { readonly beats: number; readonly missed: number }>();
  return {
    look: (worker, beats) => {
      const before = seen.get(worker);
      const missed = beats !== 0 && before?.beats === beats ? before.missed + 1 : 0;
      seen.set(worker, { beats, missed });
      return missed >= limit;
    },
  };
};

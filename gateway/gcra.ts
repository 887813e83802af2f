export interface GcraOptions {
  /** Milliseconds between two requests of one key in the long run. */
  readonly intervalMs: number;
  /** Requests that may come at once. */
  readonly burst: number;
  /** Keys remembered at most; one that owes nothing is forgotten first. */
  readonly maxKeys: number;
}

const secondChances = 8;

export interface Gcra {
  /** 0: taken. Otherwise nothing is taken, and it is the milliseconds until the next may be. `nowMs` never goes back. */
  take(key: string, nowMs: number): number;
  /** Requests of the key that may come at once now. Takes nothing. */
  remaining(key: string, nowMs: number): number;
  readonly size: number;
}

/**
 * Generic cell rate algorithm (ITU-T I.371): one number a key, the time at which it would be as if it had never asked. A
 * refused request moves nothing, so a client that keeps knocking is let in at its rate.
 */
export const createGcra = ({ intervalMs, burst, maxKeys }: GcraOptions): Gcra => {
  const arrivals = new Map<string, number>();
  const toleranceMs = intervalMs * (burst - 1);

  /**
   * Makes room for one: the first key, in the order of their coming, that owes nothing any more. Who still does goes to the end
   * of the line, a few times at most. To reorder the line at every request would make the map a new table every few hundred.
   */
  const makeRoom = (nowMs: number): void => {
    let chances = secondChances;
    for (const [key, arrival] of arrivals) {
      arrivals.delete(key);
      if (arrival <= nowMs || chances === 0) return;
      chances -= 1;
      arrivals.set(key, arrival);
    }
  };

  return Object.freeze({
    take: (key: string, nowMs: number): number => {
      const arrival = Math.max(arrivals.get(key) ?? nowMs, nowMs);
      const waitMs = arrival - toleranceMs - nowMs;
      // Binary fractions of the interval add up to a little more or less than the whole.
      if (waitMs > 0.001) return waitMs;
      if (arrivals.size >= maxKeys && !arrivals.has(key)) makeRoom(nowMs);
      arrivals.set(key, arrival + intervalMs);
      return 0;
    },
    remaining: (key: string, nowMs: number): number => {
      const aheadMs = Math.max(0, (arrivals.get(key) ?? nowMs) - nowMs);
      // The same grain of time that `take` overlooks.
      return Math.max(0, burst - Math.ceil((aheadMs - 0.001) / intervalMs));
    },
    get size() {
      return arrivals.size;
    },
  });
};

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
  /** What `take` would say. Takes nothing. */
  wait(key: string, nowMs: number): number;
  /** Told by others that the key has taken more: nothing is let through before `arrivalMs`, the burst aside. Never lowers. */
  raise(key: string, arrivalMs: number, nowMs: number): void;
}

export interface LocalGcra extends Gcra {
  readonly size: number;
}

/**
 * Generic cell rate algorithm (ITU-T I.371): one number a key, the time at which it would be as if it had never asked. A
 * refused request moves nothing, so a client that keeps knocking is let in at its rate.
 */
export const createGcra = ({ intervalMs, burst, maxKeys }: GcraOptions): LocalGcra => {
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

  const write = (key: string, arrivalMs: number, nowMs: number): void => {
    if (arrivals.size >= maxKeys && !arrivals.has(key)) makeRoom(nowMs);
    arrivals.set(key, arrivalMs);
  };

  return Object.freeze({
    take: (key: string, nowMs: number): number => {
      const arrivalMs = Math.max(arrivals.get(key) ?? nowMs, nowMs);
      const waitMs = waitOf(arrivalMs - toleranceMs - nowMs);
      if (waitMs === 0) write(key, arrivalMs + intervalMs, nowMs);
      return waitMs;
    },
    wait: (key: string, nowMs: number): number => waitOf((arrivals.get(key) ?? nowMs) - toleranceMs - nowMs),
    raise: (key: string, arrivalMs: number, nowMs: number): void => {
      if (arrivalMs > Math.max(arrivals.get(key) ?? nowMs, nowMs)) write(key, arrivalMs, nowMs);
    },
    get size() {
      return arrivals.size;
    },
  });
};

/** Binary fractions of the interval add up to a little more or less than the whole. */
const grainMs = 0.001;

/** The milliseconds that are missing, 0 where none are. */
export const waitOf = (missingMs: number): number => (missingMs > grainMs ? missingMs : 0);

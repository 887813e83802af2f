import { Problem } from '@sallyport/contract';

export interface HashPool {
  /** Runs the work when a place is free. Throws Problem `busy` (503, Retry-After) when the queue is full or the wait too long. */
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly active: number;
  readonly waiting: number;
  /** Since the start, those under way included: proof that something was, or was not, hashed. */
  readonly started: number;
}

export interface HashPoolOptions {
  /** Hashes at once: the cores. More would only slow each other down and starve the rest of the thread pool. */
  readonly places: number;
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
}

/** Password hashing is slow on purpose, so it stands in a line of its own, bounded in length and in wait. */
export const createHashPool = ({ places, maxWaiting, maxWaitMs }: HashPoolOptions): HashPool => {
  const line: (() => void)[] = [];
  let active = 0;
  let started = 0;

  const enter = (): Promise<void> => {
    if (active < places) {
      active += 1;
      return Promise.resolve();
    }
    if (line.length >= maxWaiting) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        line.splice(line.indexOf(admit), 1);
        reject(busy());
      }, maxWaitMs);
      line.push(admit);
    });
  };

  /** Hands the place on; the count stays as it is. */
  const leave = (): void => {
    const next = line.shift();
    if (next === undefined) active -= 1;
    else next();
  };

  return {
    get active() {
      return active;
    },
    get waiting() {
      return line.length;
    },
    get started() {
      return started;
    },
    run: async (work) => {
      await enter();
      started += 1;
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
};

const busy = (): Problem => new Problem('busy', { retryAfterSeconds: 2 });

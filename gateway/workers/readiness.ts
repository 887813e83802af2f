const states = { starting: 0, ready: 1, away: 2 } as const;
export type WorkerState = keyof typeof states;

/** Who is ready, in memory that all threads see. */
export interface Readiness {
  readonly memory: SharedArrayBuffer;
  /** @param worker from 1 */
  set(worker: number, state: WorkerState): void;
  /** Everybody who serves is ready, and somebody does. A worker that is being replaced serves nobody. */
  isReady(): boolean;
}

export const createReadinessMemory = (workers: number): SharedArrayBuffer =>
  new SharedArrayBuffer(workers * Int32Array.BYTES_PER_ELEMENT);

export const openReadiness = (memory: SharedArrayBuffer): Readiness => {
  const view = new Int32Array(memory);
  return Object.freeze({
    memory,
    set: (worker: number, state: WorkerState) => void Atomics.store(view, worker - 1, states[state]),
    isReady: () => {
      let ready = 0;
      for (let at = 0; at < view.length; at += 1) {
        const state = Atomics.load(view, at);
        if (state === states.starting) return false;
        if (state === states.ready) ready += 1;
      }
      return ready > 0;
    },
  });
};

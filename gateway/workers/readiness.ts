const states = { starting: 0, ready: 1, away: 2 } as const;
export type WorkerState = keyof typeof states;

/** A state and a count of beats. */
const bytesPerWorker = 2 * Int32Array.BYTES_PER_ELEMENT;

/** Who is ready, in memory that all threads see. */
export interface Readiness {
  readonly memory: SharedArrayBuffer;
  /** @param worker from 1 */
  set(worker: number, state: WorkerState): void;
  /** Says that the worker's event loop goes round. */
  beat(worker: number): void;
  /** How often it has; 0 for one that is away. */
  beats(worker: number): number;
  /** Everybody who serves is ready, and somebody does. A worker that is being replaced serves nobody. */
  isReady(): boolean;
}

export const createReadinessMemory = (workers: number): SharedArrayBuffer =>
  new SharedArrayBuffer(workers * bytesPerWorker);

export const workersIn = (memory: SharedArrayBuffer): number => memory.byteLength / bytesPerWorker;

export const openReadiness = (memory: SharedArrayBuffer): Readiness => {
  const workers = workersIn(memory);
  const view = new Int32Array(memory, 0, workers);
  const beating = new Int32Array(memory, workers * Int32Array.BYTES_PER_ELEMENT, workers);
  return Object.freeze({
    memory,
    set: (worker: number, state: WorkerState) => {
      Atomics.store(view, worker - 1, states[state]);
      if (state === 'away') Atomics.store(beating, worker - 1, 0);
    },
    beat: (worker: number) => void Atomics.add(beating, worker - 1, 1),
    beats: (worker: number) => Atomics.load(beating, worker - 1),
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

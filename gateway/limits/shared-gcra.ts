import type { Gcra } from '../gcra.ts';
import { intervalMsOf, type MakeGcra } from '../rate-limiter.ts';
import { type HashWords, hashText } from './keyed-hash.ts';
import { openSharedTable } from './shared-table.ts';

export interface SharedCounters {
  readonly memory: SharedArrayBuffer;
  /** Drawn at the start of the process, the same for all its threads, told to nobody. */
  readonly hashKey: HashWords;
}

/**
 * Counters that all threads of the process share. `nowMs` has to be of a clock that all of them read.
 * @param thread a number of this thread's own, from 1
 */
export const sharedGcra = ({ memory, hashKey }: SharedCounters, thread: number): MakeGcra => {
  const table = openSharedTable(memory, thread);
  return (name, numbers): Gcra => {
    const intervalMs = intervalMsOf(numbers);
    const toleranceMs = intervalMs * (numbers.burst - 1);
    // Each limit hashes by a key of its own: one user under two limits is two counters.
    const key = { low: 0, high: 0 };
    hashText(`${name} ${numbers.perMinute} ${numbers.burst}`, hashKey, key);
    const words = { low: 0, high: 0 };
    return Object.freeze<Gcra>({
      take: (text, nowMs) => {
        hashText(text, key, words);
        return table.take(words.low, words.high, intervalMs, toleranceMs, nowMs);
      },
      wait: (text, nowMs) => {
        hashText(text, key, words);
        return table.wait(words.low, words.high, toleranceMs, nowMs);
      },
      raise: (text, arrivalMs, nowMs) => {
        hashText(text, key, words);
        table.raise(words.low, words.high, arrivalMs, nowMs);
      },
    });
  };
};

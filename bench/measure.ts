/** How a figure is taken: rounds in turn, so that a machine whose speed drifts drifts for all; the median is quoted. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Contestant {
  readonly name: string;
  /** One operation, by its running number. */
  readonly run: (index: number) => unknown;
}

export interface Figure {
  readonly name: string;
  /** Operations per second of wall time. */
  readonly perSecond: number;
  /** CPU time (user and system) of one operation, microseconds. */
  readonly cpuMicroseconds: number;
}

/** Of an even number the mean of the two in the middle. Of none: NaN, which no verdict passes. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const [below = Number.NaN, above = below] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (below + above) / 2;
};

/** `operations` per round for each contestant, all contestants in each round. */
export const measureInTurn = async (
  contestants: readonly Contestant[],
  { rounds, operations }: { readonly rounds: number; readonly operations: number },
): Promise<readonly Figure[]> => {
  const samples = contestants.map(() => ({ perSecond: [] as number[], cpu: [] as number[] }));
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const sample = await oneRound(contestant, operations, Math.max(round, 0) * operations);
      // The first round warms up.
      if (round < 0) continue;
      samples[index]?.perSecond.push(sample.perSecond);
      samples[index]?.cpu.push(sample.cpu);
    }
  }
  return contestants.map(({ name }, index) => ({
    name,
    perSecond: Math.round(median(samples[index]?.perSecond ?? [])),
    cpuMicroseconds: Math.round(median(samples[index]?.cpu ?? []) * 100) / 100,
  }));
};

const oneRound = async (
  { run }: Contestant,
  operations: number,
  offset: number,
): Promise<{ perSecond: number; cpu: number }> => {
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  for (let index = 0; index < operations; index += 1) {
    const result = run(offset + index);
    if (result instanceof Promise) await result;
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: operations / seconds, cpu: (user + system) / operations };
};

/** The value below which this share of the values lies. */
export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** Calls at a steady rate whether earlier calls have been answered or not (open loop), until stopped. Returns latencies in ms. */
export const openLoop = (perSecond: number, call: () => Promise<unknown>) => {
  const latencies: number[] = [];
  let running = true;
  let failures = 0;
  const one = async (): Promise<void> => {
    const started = performance.now();
    try {
      await call();
      latencies.push(performance.now() - started);
    } catch {
      failures += 1;
    }
  };
  const loop = (async () => {
    const started = performance.now();
    for (let sent = 0; running; sent += 1) {
      const due = started + (sent * 1000) / perSecond;
      await sleep(Math.max(0, due - performance.now()));
      void one();
    }
  })();
  return {
    stop: async () => {
      running = false;
      await loop;
      await sleep(500);
      return { latencies, failures };
    },
  };
};

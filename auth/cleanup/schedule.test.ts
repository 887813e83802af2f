import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Removed } from './clean.ts';
import { startCleanup } from './schedule.ts';

const nothing: Removed = { sessions: 0, devices: 0, nonces: 0, counters: 0, revocations: 0, audit: 0, events: 0 };
const start = (intervalMs: number, clean: (signal: AbortSignal) => Promise<Removed>) => {
  const seen = { done: 0, errors: [] as unknown[] };
  const stop = startCleanup({
    ...{ clean, intervalMs },
    spread: () => 0.5,
    onDone: () => {
      seen.done += 1;
    },
    onError: (error) => void seen.errors.push(error),
  });
  return { seen, stop };
};

describe('the schedule of the cleanup', () => {
  it('runs again after the interval, also after a run that failed', async () => {
    let runs = 0;
    const { seen, stop } = start(10, async () => {
      runs += 1;
      if (runs === 1) throw new Error('the store did not answer');
      return nothing;
    });
    await expect.poll(() => runs, { timeout: 2000 }).toBeGreaterThan(3);
    await stop();
    expect([seen.errors.length, seen.done]).toEqual([1, runs - 1]);
  });

  it('never runs where the interval is 0', async () => {
    let runs = 0;
    const { stop } = start(0, async () => {
      runs += 1;
      return nothing;
    });
    await sleep(20);
    await stop();
    expect(runs).toBe(0);
  });

  it('waits at its stop for the run under way, which is told', async () => {
    const steps: string[] = [];
    const { stop } = start(1, async (signal) => {
      steps.push('begun');
      while (!signal.aborted) await sleep(1);
      steps.push('ended');
      return nothing;
    });
    await expect.poll(() => steps.length, { timeout: 2000 }).toBe(1);
    await stop();
    expect(steps).toEqual(['begun', 'ended']);
  });
});

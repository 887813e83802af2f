import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createHashPool } from './hash-pool.ts';

const gate = () => Promise.withResolvers<void>();

it('runs as many as there are places, the rest in order', async () => {
  const pool = createHashPool({ places: 2, maxWaiting: 10, maxWaitMs: 1000 });
  const gates = [gate(), gate(), gate()];
  const started: number[] = [];
  const runs = gates.map(({ promise }, index) =>
    pool.run(async () => {
      started.push(index);
      await promise;
      return index;
    }),
  );
  await sleep(5);
  expect([started, pool.active, pool.waiting]).toEqual([[0, 1], 2, 1]);
  gates[1]?.resolve();
  await sleep(5);
  expect(started).toEqual([0, 1, 2]);
  for (const { resolve } of gates) resolve();
  expect(await Promise.all(runs)).toEqual([0, 1, 2]);
  expect([pool.active, pool.waiting]).toEqual([0, 0]);
});

it('refuses with busy and Retry-After when the line is full, at once', async () => {
  const pool = createHashPool({ places: 1, maxWaiting: 1, maxWaitMs: 1000 });
  const { promise, resolve } = gate();
  const running = [pool.run(() => promise), pool.run(() => promise)];
  await expect(pool.run(() => promise)).rejects.toMatchObject({ code: 'busy', status: 503, retryAfterSeconds: 2 });
  resolve();
  await Promise.all(running);
});

it('refuses who waited too long, and the line goes on without him', async () => {
  const pool = createHashPool({ places: 1, maxWaiting: 5, maxWaitMs: 20 });
  const { promise, resolve } = gate();
  const running = pool.run(() => promise);
  await expect(pool.run(() => promise)).rejects.toMatchObject({ code: 'busy' });
  expect(pool.waiting).toBe(0);
  resolve();
  await running;
  expect(await pool.run(async () => 'next')).toBe('next');
});

it('gives its place on when the work fails', async () => {
  const pool = createHashPool({ places: 1, maxWaiting: 5, maxWaitMs: 1000 });
  await expect(pool.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await pool.run(async () => 'fine')).toBe('fine');
});

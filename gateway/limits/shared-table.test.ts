import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGcra } from '../gcra.ts';
import { sharedGcra } from './shared-gcra.ts';
import { createTableMemory, openSharedTable, releaseLocksOf } from './shared-table.ts';

const hashKey = { low: 0x1234567, high: -0x7654321 };

describe('the shared table', () => {
  it('decides as the plain algorithm does, whatever is asked', () => {
    const ask = fc.record({
      key: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8:0:1', ''),
      afterMs: fc.double({ min: 0, max: 3000, noNaN: true }),
      how: fc.constantFrom('take', 'take', 'take', 'wait', 'raise'),
      aheadMs: fc.integer({ min: -100, max: 5000 }),
    });
    const numbers = fc.record({ perMinute: fc.integer({ min: 1, max: 6000 }), burst: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(numbers, fc.array(ask, { maxLength: 60 }), ({ perMinute, burst }, asks) => {
        const plain = createGcra({ intervalMs: 60_000 / perMinute, burst, maxKeys: 100 });
        const shared = sharedGcra({ memory: createTableMemory(64), hashKey }, 1)('flood', { perMinute, burst });
        let nowMs = 1000;
        for (const { key, afterMs, how, aheadMs } of asks) {
          nowMs += afterMs;
          if (how === 'raise') for (const gcra of [plain, shared]) gcra.raise(key, nowMs + aheadMs, nowMs);
          else expect(shared[how](key, nowMs)).toBe(plain[how](key, nowMs));
        }
      }),
    );
  });

  it('counts two limits apart, and one limit of two threads together', () => {
    const memory = createTableMemory(64);
    const [one, other] = [1, 2].map((thread) => sharedGcra({ memory, hashKey }, thread));
    const numbers = { perMinute: 1, burst: 1 };
    expect(one?.('user a', numbers).take('x', 0)).toBe(0);
    expect(other?.('user a', numbers).take('x', 0)).toBe(60_000);
    expect(other?.('user b', numbers).take('x', 0)).toBe(0);
    expect(other?.('user a', { ...numbers, burst: 2 }).take('x', 0)).toBe(0);
  });

  it('forgets who owes least: whoever is limited stays so, however many others come', () => {
    const memory = createTableMemory(64);
    const limiter = sharedGcra({ memory, hashKey }, 1)('flood', { perMinute: 60, burst: 5 });
    for (let times = 0; times < 5; times += 1) limiter.take('limited', 0);
    for (let other = 0; other < 5000; other += 1) limiter.take(`other ${other}`, 0);
    expect(limiter.take('limited', 0)).toBe(1000);
  });

  it('takes over the lock of a thread that died with it', () => {
    const memory = createTableMemory(8);
    const locks = new Int32Array(memory, 8 * 12, 1);
    locks[0] = 9;
    const table = openSharedTable(memory, 1);
    expect(table.take(1, 0, 1000, 0, 0)).toBe(0);
    expect([locks[0], table.take(1, 0, 1000, 0, 0)]).toEqual([0, 1000]);
    locks[0] = 9;
    releaseLocksOf(memory, 9);
    expect(locks[0]).toBe(0);
  });
});

const sourceOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Waits for all, then takes as fast as it can, and tells how many it was given of each key. */
const taker = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${sourceOf('./shared-gcra.ts')}).then(({ sharedGcra }) => {
    const { memory, gate, threads, thread, hashKey, keys, rounds } = workerData;
    const limiter = sharedGcra({ memory, hashKey }, thread)('flood', { perMinute: 1, burst: 20_000 });
    const taken = keys.map(() => 0);
    if (Atomics.add(gate, 0, 1) === threads - 1) Atomics.notify(gate, 0);
    for (let seen = Atomics.load(gate, 0); seen < threads; seen = Atomics.load(gate, 0)) Atomics.wait(gate, 0, seen);
    for (let round = 0; round < rounds; round += 1)
      keys.forEach((key, at) => { if (limiter.take(key, 0) === 0) taken[at] += 1; });
    parentPort.postMessage(taken);
  });`;

it('gives exactly the limit to real threads that take at the same time', async () => {
  const threads = 3;
  const memory = createTableMemory(64);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const keys = ['a', 'b', 'c', 'd', 'e'];
  const taking = Array.from({ length: threads }, (_, at) => {
    const workerData = { memory, gate, threads, thread: at + 1, hashKey, keys, rounds: 30_000 };
    const worker = new Worker(taker, { eval: true, workerData });
    onTestFinished(async () => void (await worker.terminate()));
    return new Promise<readonly number[]>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
  });
  const taken = await Promise.all(taking);
  expect(keys.map((_, at) => taken.reduce((sum, each) => sum + (each[at] ?? 0), 0))).toEqual(keys.map(() => 20_000));
  // They really were at it together.
  expect(taken.filter((each) => each.some((count) => count > 0)).length).toBeGreaterThan(1);
});

import { availableParallelism } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { createHangWatch } from './hang-watch.ts';
import { createLogSender } from './log-sender.ts';
import { createReadinessMemory, openReadiness } from './readiness.ts';
import { workerCount } from './worker-count.ts';

describe('the number of workers', () => {
  it('is what is set, or one for each core where threads can share a port', () => {
    expect([workerCount({ workers: '1' }), workerCount({ workers: '12' })]).toEqual([1, 12]);
    const cores = process.platform === 'linux' ? Math.min(availableParallelism(), 64) : 1;
    if (process.platform !== 'darwin') expect(workerCount({ workers: 'auto' })).toBe(cores);
  });
});

describe('a worker that hangs', () => {
  it('is told after so many looks in a row that found nothing new; one that has not begun does not hang', () => {
    const watch = createHangWatch(3);
    const looks = (worker: number, ...beats: number[]) => beats.map((each) => watch.look(worker, each));
    expect(looks(1, 0, 0, 0, 0, 0)).toEqual([false, false, false, false, false]);
    expect(looks(1, 5, 5, 5, 6, 6, 6, 6)).toEqual([false, false, false, false, false, false, true]);
    expect(looks(2, 7, 7, 7)).toEqual([false, false, false]);
  });

  it('is one that does not beat; who is away does not', () => {
    const readiness = openReadiness(createReadinessMemory(2));
    readiness.beat(2);
    readiness.beat(2);
    expect([readiness.beats(1), readiness.beats(2)]).toEqual([0, 2]);
    readiness.set(2, 'away');
    expect(readiness.beats(2)).toBe(0);
  });
});

describe('readiness', () => {
  it('is of all who serve, and of nobody where nobody does', () => {
    const memory = createReadinessMemory(2);
    const [one, other] = [openReadiness(memory), openReadiness(memory)];
    const states = [one.isReady()];
    one.set(1, 'ready');
    states.push(other.isReady());
    other.set(2, 'ready');
    states.push(one.isReady());
    // It is being replaced: who is left serves.
    one.set(2, 'away');
    states.push(other.isReady());
    one.set(1, 'starting');
    states.push(other.isReady());
    one.set(1, 'away');
    states.push(other.isReady());
    expect(states).toEqual([false, false, true, true, false, false]);
  });
});

describe('lines on their way to the main thread', () => {
  it('are sent together, whole, after a moment or when there are many', async () => {
    const sent: string[] = [];
    const sender = createLogSender((text) => void sent.push(text));
    sender.write('{"a":1}\n');
    sender.write('{"a":2}\n');
    expect(sent).toEqual([]);
    await vi.waitUntil(() => sent.length > 0);
    expect(sent).toEqual(['{"a":1}\n{"a":2}\n']);
    sender.write('x'.repeat(70_000));
    expect(sent).toHaveLength(2);
    sender.write('{"a":3}\n');
    await new Promise<void>((resolve) => sender.flush(resolve));
    expect(sent.at(-1)).toBe('{"a":3}\n');
  });
});

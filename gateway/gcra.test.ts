import { describe, expect, it } from 'vitest';
import { createGcra } from './gcra.ts';

describe('gcra', () => {
  it('says how long to wait, and a refusal moves nothing', () => {
    const gcra = createGcra({ intervalMs: 1000, burst: 2, maxKeys: 10 });
    expect([gcra.take('a', 0), gcra.take('a', 0), gcra.take('a', 0), gcra.take('a', 400)]).toEqual([0, 0, 1000, 600]);
    expect(gcra.take('a', 1000)).toBe(0);
  });

  it('remembers no more keys than it may, and forgets the one unused for longest', () => {
    const gcra = createGcra({ intervalMs: 1000, burst: 1, maxKeys: 3 });
    for (const key of ['a', 'b', 'c']) gcra.take(key, 0);
    gcra.take('a', 1000);
    gcra.take('d', 1000);
    expect(gcra.size).toBe(3);
    // `b` was the oldest: it is new again; `a` is not.
    expect([gcra.take('a', 1000) > 0, gcra.take('b', 1000)]).toEqual([true, 0]);
    for (let at = 0; at < 1000; at += 1) gcra.take(`key-${at}`, 2000);
    expect(gcra.size).toBe(3);
  });
});

describe('what others tell', () => {
  it('holds a key back as if it had asked here, and never lets it go earlier', () => {
    const gcra = createGcra({ intervalMs: 1000, burst: 2, maxKeys: 10 });
    gcra.raise('a', 5000, 0);
    expect([gcra.wait('a', 0), gcra.take('a', 0), gcra.take('a', 4000)]).toEqual([4000, 4000, 0]);
    gcra.raise('a', 1000, 4000);
    expect(gcra.wait('a', 4000)).toBe(1000);
    gcra.raise('b', 0, 4000);
    expect([gcra.wait('b', 4000), gcra.size]).toEqual([0, 1]);
  });
});

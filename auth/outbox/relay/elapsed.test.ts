import { expect, it } from 'vitest';
import { createElapsed } from './elapsed.ts';

it('counts the longer of both steps: a suspended machine, a clock that was set back', () => {
  let [monotonic, wall] = [5, 1000];
  const elapsedMs = createElapsed({ monotonicMs: () => monotonic, wallMs: () => wall });
  const after = (monotonicStep: number, wallStep: number): number => {
    monotonic += monotonicStep;
    wall += wallStep;
    return elapsedMs();
  };
  expect(after(0, 0)).toBe(0);
  expect(after(10, 10)).toBe(10);
  expect(after(1, 60_000)).toBe(60_010);
  expect(after(5, -3_600_000)).toBe(60_015);
  expect(after(5, 5)).toBe(60_020);
});

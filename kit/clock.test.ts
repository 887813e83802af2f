import { expect, it } from 'vitest';
import { manualClock, systemClock } from './clock.ts';

it('systemClock follows the machine, shifted by its offset', () => {
  const before = Date.now();
  expect(systemClock().nowMs()).toBeGreaterThanOrEqual(before);
  expect(systemClock(3600).nowMs()).toBeGreaterThanOrEqual(before + 3_600_000);
  expect(systemClock(-60).nowMs()).toBeLessThan(before);
  expect(() => systemClock(Number.NaN)).toThrow(RangeError);
});

it('manualClock stands still until it is moved', () => {
  const clock = manualClock(1000);
  expect(clock.nowMs()).toBe(1000);
  expect(clock.advance(250)).toBe(1250);
  clock.set(5);
  expect(clock.nowMs()).toBe(5);
  expect(() => clock.advance(0.5)).toThrow(RangeError);
});

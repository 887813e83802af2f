import { expect, it } from 'vitest';
import { addMonths, dayName, dayOf, monthName, monthOf } from './months.ts';

it('turns months over the end of a year, in both directions', () => {
  expect(addMonths('2026-11', 1)).toBe('2026-12');
  expect(addMonths('2026-12', 1)).toBe('2027-01');
  expect(addMonths('2026-01', -1)).toBe('2025-12');
  expect(addMonths('2026-01', -13)).toBe('2024-12');
});

it('keeps the day that the calendar on the wall shows', () => {
  const lateEvening = new Date(2026, 0, 31, 23, 59);
  expect(dayOf(lateEvening)).toBe('2026-01-31');
  expect(monthOf(dayOf(lateEvening))).toBe('2026-01');
  expect(dayName('2026-01-01', 'en-GB')).toMatch(/^Thu.*1 Jan$/);
  expect(monthName('2026-01', 'en')).toBe('January 2026');
});

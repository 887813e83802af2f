import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromMinorUnits, toMinorUnits } from './amount.ts';

it.each([
  [12.34, 'EUR', 1234],
  [0.01, 'USD', 1],
  [1.1, 'EUR', 110],
  [4.35, 'GBP', 435],
  [500, 'JPY', 500],
  [1.234, 'KWD', 1234],
  [0.001, 'USD', undefined],
  [0, 'EUR', undefined],
  [Number.NaN, 'EUR', undefined],
  [Number.POSITIVE_INFINITY, 'EUR', undefined],
])('%d %s are %s smallest units', (amount, currency, units) => {
  expect(toMinorUnits(amount, currency)).toBe(units);
});

it('loses no cent on the way there and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e14 }), fc.constantFrom('EUR', 'JPY', 'KWD'), (units, currency) => {
      expect(toMinorUnits(fromMinorUnits(units, currency), currency)).toBe(units);
    }),
  );
});

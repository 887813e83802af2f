import { describe, expect, it } from 'vitest';
import { formatMoney, parseMoney } from './money.ts';

describe('an amount that a person typed', () => {
  it.each([
    ['12', 1200],
    ['12.5', 1250],
    ['12,50', 1250],
    ['0.01', 1],
    ['1,234.56', 123_456],
    ['1.234,56', 123_456],
    ['1 234,56', 123_456],
    ["1'234.56", 123_456],
    ['1234567', 123_456_700],
    // Three digits behind a comma are a group: nobody means 1.234 euros.
    ['1,234', 123_400],
  ])('%s is %i cents', (text, minor) => expect(parseMoney(text, 'EUR')).toBe(minor));

  it.each(['', 'a lot', '-5', '0', '0.00', '1.2.3', '12.345.6', '1,23,456', '1e3', '0x10', '٣', '99999999999999999'])(
    '%s is none',
    (text) => expect(parseMoney(text, 'EUR')).toBeUndefined(),
  );

  it('knows currencies without cents', () => {
    expect(parseMoney('1,200', 'JPY')).toBe(1200);
    expect(parseMoney('12.50', 'JPY')).toBeUndefined();
  });
});

it('writes amounts as the language does, without a rounding error', () => {
  expect(formatMoney(123_456, 'EUR', 'en-IE')).toBe('€1,234.56');
  expect(formatMoney(123_456, 'EUR', 'de-DE').replaceAll('\u00a0', ' ')).toBe('1.234,56 €');
  expect(formatMoney(1200, 'JPY', 'en')).toBe('¥1,200');
  expect(formatMoney(29, 'EUR', 'en')).toBe('€0.29');
});

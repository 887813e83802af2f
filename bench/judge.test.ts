import { expect, it } from 'vitest';
import { isReached, verdictTable } from './judge.ts';

const verdict = { what: 'p99 of refresh', measured: 51.234, unit: 'ms', atMost: 50 };

it('says which figures are reached, on either side of a bound', () => {
  expect([isReached(verdict), isReached({ ...verdict, measured: 50 })]).toEqual([false, true]);
  const ratio = { what: 'ratio', measured: 0.79, unit: 'x', atLeast: 0.8 };
  expect([isReached(ratio), isReached({ ...ratio, measured: 0.8 })]).toEqual([false, true]);
  expect(isReached({ ...verdict, measured: Number.NaN })).toBe(false);
});

it('prints a table that a person can read', () => {
  expect(verdictTable([verdict, { what: 'seen', measured: 3_504_211.4, unit: '/s', atLeast: 1_000_000 }])).toBe(
    [
      'figure          measured    to reach',
      'p99 of refresh  51.23 ms    at most 50        NOT REACHED',
      'seen            3504211 /s  at least 1000000  reached',
    ].join('\n'),
  );
});

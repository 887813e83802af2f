import { expect, it } from 'vitest';
import { createProgressLines, progressText } from './copy-progress.ts';

it('says how far a table is, how fast, and how long it will take; of what this run has copied', () => {
  const half = { table: 'sessions', copied: 500_000, total: 1_000_000 } as const;
  expect(progressText(half, { seconds: 10, copied: 100_000 })).toBe(
    'sessions        500,000 of 1,000,000 rows, 10,000 a second, 50 s left',
  );
  expect(progressText({ ...half, copied: 1_000_000 }, { seconds: 1, copied: 1 })).toBe(
    'sessions        1,000,000 of 1,000,000 rows',
  );
});

it('has one line for each table, and in a log one every five seconds of a long one', () => {
  let now = 0;
  let written = '';
  const lines = createProgressLines({ write: (text) => (written += text) }, () => now);
  for (let copied = 0; copied <= 9000; copied += 1000, now += 1000) lines.note({ table: 'users', copied, total: 9000 });
  lines.note({ table: 'nonces', copied: 0, total: 0 });
  lines.end();
  expect(written.trimEnd().split('\n')).toEqual([
    'users           5,000 of 9,000 rows, 1,000 a second, 4 s left',
    'users           9,000 of 9,000 rows',
    'nonces          0 of 0 rows',
  ]);
});

import { systemRandom } from '@sallyport/kit/random';
import type { AuditOrigin, AuditRecord } from '@sallyport/storage/contracts/audit';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCollector } from './collector.ts';
import { createNumberRuns } from './number-runs.ts';
import { newRecords, testMacs } from './testing/trails.ts';

const at = (number: number): AuditOrigin => ({ node: 'n', boot: 'b', number });

it('the numbers that are missing are found, in whatever order the others were seen', () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
  fc.assert(
    fc.property(numbers, (seen) => {
      const runs = createNumberRuns(false);
      for (const number of seen) for (let twice = 0; twice < 2; twice += 1) runs.see(at(number));
      const expected = Array.from({ length: Math.max(...seen) }, (_, index) => index + 1).filter(
        (number) => !seen.includes(number),
      );
      expect(runs.missing(100).map(({ number }) => number)).toEqual(expected);
    }),
  );
});

it('behind a cut a boot may begin anywhere, and is held to its numbers after the first ones', () => {
  const runs = createNumberRuns(true);
  for (const number of [500, 502, 503, 2000, 2002]) runs.see(at(number));
  expect(runs.missing(3).map(({ number }) => number)).toEqual([1500, 1501, 1502]);
});

describe('the collector', () => {
  it('begins a new boot where it does not know whether its numbers were given', async () => {
    const written: AuditOrigin[] = [];
    let fails = 1;
    const collectAudit = async (records: readonly AuditRecord[], from: AuditOrigin) => {
      for (const [index] of records.entries()) written.push({ ...from, number: from.number + index });
      if (written.length > 4 && fails > 0) {
        fails -= 1;
        throw new StoreUnavailable('no answer', true);
      }
      return { fresh: records.length, sealed: false };
    };
    const collector = createCollector({ spool: { collectAudit }, node: 'n', random: systemRandom, macs: testMacs });
    const collect = (count: number) => collector.appendAudit(newRecords(count));
    await Promise.all([collect(2), collect(2)]);
    await expect(collect(3)).rejects.toThrow(StoreUnavailable);
    await collect(3);
    expect(written.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 1, 2, 3]);
    expect(new Set(written.map(({ boot }) => boot)).size).toBe(2);
  });
});

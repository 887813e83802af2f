/** A figure beside what is to be reached. The bounds stand in product.md; they are said once, here and in each bench's own list. */
export interface Verdict {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  /** Exactly one: the bound that the figure must keep. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface BenchResult {
  /** Everything that was measured, peers included. */
  readonly figures: object;
  readonly verdicts: readonly Verdict[];
}

export const isReached = ({ measured, atLeast, atMost }: Verdict): boolean =>
  measured >= (atLeast ?? Number.NEGATIVE_INFINITY) && measured <= (atMost ?? Number.POSITIVE_INFINITY);

/** One line per figure: what, measured, to reach, reached or not. */
export const verdictTable = (verdicts: readonly Verdict[]): string => {
  const rows = verdicts.map((verdict) => [
    verdict.what,
    `${rounded(verdict.measured)} ${verdict.unit}`,
    verdict.atLeast === undefined ? `at most ${verdict.atMost}` : `at least ${verdict.atLeast}`,
    isReached(verdict) ? 'reached' : 'NOT REACHED',
  ]);
  const table = [['figure', 'measured', 'to reach', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const rounded = (value: number): string =>
  (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toFixed(2))).toString();

/** Whether two samples can be told apart, by rank alone: no assumption about their distribution, and outliers count once. */

/**
 * The chance that a value of `right` is greater than one of `left` (Mann-Whitney U / n1 n2; ties count half). 0.5: cannot be told
 * apart; 1: always greater.
 */
export const areaUnderCurve = (left: readonly number[], right: readonly number[]): number => {
  const all = [...left.map((value) => ({ value, isRight: 0 })), ...right.map((value) => ({ value, isRight: 1 }))];
  all.sort((one, other) => one.value - other.value);
  let rankSum = 0;
  for (let start = 0; start < all.length; ) {
    let end = start;
    let ofRight = 0;
    for (; end < all.length && all[end]?.value === all[start]?.value; end += 1) ofRight += all[end]?.isRight ?? 0;
    // Equal values share the mean of the ranks start + 1 … end.
    rankSum += (ofRight * (start + 1 + end)) / 2;
    start = end;
  }
  return (rankSum - (right.length * (right.length + 1)) / 2) / (left.length * right.length);
};

/** Of the area above, where both samples come from one distribution: sqrt((n1 + n2 + 1) / (12 n1 n2)). */
export const standardError = (left: number, right: number): number =>
  Math.sqrt((left + right + 1) / (12 * left * right));

/** `share` from 0 to 1; the nearest-rank percentile. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};

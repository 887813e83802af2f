const delaysMs = [100, 500, 1_000, 2_000, 5_000];

/** How long to wait before the `failures`-th start in a row that did not get as far as ready; the first failure is 1. */
export const restartDelayMs = (failures: number): number =>
  delaysMs[Math.min(Math.max(failures, 1), delaysMs.length) - 1] ?? 5_000;

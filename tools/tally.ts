/** What a run of parts came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The one line that people and `.ci/run` read last: `12 passed, 0 failed`, and `, 3 skipped` when some were. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** A run that found nothing to do proves nothing: it fails. */
export const tallyExitCode = ({ passed, failed }: Tally): number => (failed === 0 && passed > 0 ? 0 : 1);

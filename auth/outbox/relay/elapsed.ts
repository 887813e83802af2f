export interface Clocks {
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

/**
 * Milliseconds since some moment. The monotonic clock stands still while the machine is suspended, and the wall clock may be set back: of both
 * steps the longer one counts, so that a lease never seems to have more left than it has.
 */
export const createElapsed = ({ monotonicMs, wallMs }: Clocks): (() => number) => {
  let last = { monotonic: monotonicMs(), wall: wallMs() };
  let elapsed = 0;
  return () => {
    const now = { monotonic: monotonicMs(), wall: wallMs() };
    elapsed += Math.max(0, now.monotonic - last.monotonic, now.wall - last.wall);
    last = now;
    return elapsed;
  };
};

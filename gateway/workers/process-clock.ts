const nanosecondsPerMs = 1e6;

/**
 * Milliseconds that only grow, the same in all threads of the process: `performance.now()` begins anew in each, and both read the
 * monotonic clock of the system.
 */
export const createProcessClock = (): (() => number) => {
  const beganMs = Number(process.hrtime.bigint()) / nanosecondsPerMs - performance.now();
  return () => beganMs + performance.now();
};

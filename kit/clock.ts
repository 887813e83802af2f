/**
 * Time as an argument. Everything that needs "now" is given a `Clock`; nobody calls `Date.now()` elsewhere.
 * The injected clock serves tokens and timers. What stores write and compare is the store's own clock (refresh.md).
 * Never: formats dates, sleeps, or knows time zones.
 */

export interface Clock {
  /** Integer milliseconds since 1970-01-01 UTC. */
  nowMs(): number;
}

export interface ManualClock extends Clock {
  /** Moves the clock by `ms` (may be negative) and returns the new time. */
  advance(ms: number): number;
  /** Sets the clock to `ms` since 1970-01-01 UTC. */
  set(ms: number): void;
}

/** The machine's clock, shifted by `offsetSeconds` (the insecure setting `SALLYPORT_CLOCK_OFFSET_SECONDS`; default 0). */
export const systemClock = (offsetSeconds = 0): Clock => {
  if (!Number.isFinite(offsetSeconds)) throw new RangeError('systemClock: offsetSeconds must be a finite number');
  const offsetMs = Math.round(offsetSeconds * 1000);
  return Object.freeze({ nowMs: () => Date.now() + offsetMs });
};

/** A clock that stands still until it is moved: for tests. */
export const manualClock = (startMs: number): ManualClock => {
  let now = wholeMs(startMs);
  return Object.freeze({
    nowMs: () => now,
    advance: (ms: number) => (now = wholeMs(now + ms)),
    set: (ms: number) => {
      now = wholeMs(ms);
    },
  });
};

const wholeMs = (ms: number): number => {
  if (!Number.isSafeInteger(ms)) throw new RangeError('manualClock: time must be whole milliseconds');
  return ms;
};

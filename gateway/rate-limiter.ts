import { createGcra, type Gcra } from './gcra.ts';

/** Counts requests by key, where it was told to: in this thread, in this process, over all gateways. */
export interface RateLimiter {
  /**
   * 0: taken. Otherwise nothing is taken, and it is the milliseconds until the next may be. `nowMs` never goes back. A promise only
   * where another machine decides (`LIMITS_MODE=exact`); it never rejects.
   */
  take(key: string, nowMs: number): number | Promise<number>;
}

export interface LimitNumbers {
  readonly perMinute: number;
  /** Requests that may come at once. */
  readonly burst: number;
}

/** Makes the limiter of a name. `name` is stable over reloads and the same on every gateway: the key of shared counters. */
export type MakeLimiter = (name: string, numbers: LimitNumbers) => RateLimiter;

/** The same for counters in memory. */
export type MakeGcra = (name: string, numbers: LimitNumbers) => Gcra;

const windowMs = 60_000;
const maxKeys = 65_536;

export const intervalMsOf = ({ perMinute }: LimitNumbers): number => windowMs / perMinute;

/** In the memory of this thread. */
export const localGcra: MakeGcra = (_, numbers) =>
  createGcra({ intervalMs: intervalMsOf(numbers), burst: numbers.burst, maxKeys });

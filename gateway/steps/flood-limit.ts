import { limitKey } from '../address/client-address.ts';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { type LimitTold, outcomeOfLimit } from '../limits/rate-limited.ts';
import { localGcra, type MakeLimiter } from '../rate-limiter.ts';

export interface FloodLimitOptions {
  /** 0: no limit. */
  readonly perMinute: number;
  readonly burst: number;
  readonly elapsedMs: () => number;
  /** Where requests are counted. Default: in this thread. */
  readonly make?: MakeLimiter | undefined;
}

const windowSeconds = 60;

/** Every request of an address counts, whatever becomes of it. */
export const floodLimit = ({ perMinute, burst, elapsedMs, make = localGcra }: FloodLimitOptions): Step => {
  if (perMinute === 0) return { name: 'flood limit', run: () => undefined };
  const limiter = make('flood', { perMinute, burst });
  const limit: LimitTold = { name: 'flood', policy: `"flood";q=${perMinute};w=${windowSeconds}` };

  const run = ({ address }: Exchange): Outcome | Promise<Outcome> =>
    outcomeOfLimit(limiter.take(limitKey(address), elapsedMs()), limit);
  return { name: 'flood limit', run };
};

import { Problem } from '@sallyport/contract';
import { limitKey } from '../address/client-address.ts';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { createGcra } from '../gcra.ts';

export interface FloodLimitOptions {
  /** 0: no limit. */
  readonly perMinute: number;
  readonly burst: number;
  readonly elapsedMs: () => number;
}

const windowMs = 60_000;
const maxAddresses = 65_536;

/** Every request of an address counts, whatever becomes of it. */
export const floodLimit = ({ perMinute, burst, elapsedMs }: FloodLimitOptions): Step => {
  if (perMinute === 0) return { name: 'flood limit', run: () => undefined };
  const gcra = createGcra({ intervalMs: windowMs / perMinute, burst, maxKeys: maxAddresses });
  const policy = `"flood";q=${perMinute};w=${windowMs / 1000}`;

  const run = ({ address }: Exchange): Outcome => {
    const waitMs = gcra.take(limitKey(address), elapsedMs());
    return waitMs === 0 ? undefined : rateLimited(Math.ceil(waitMs / 1000), policy);
  };
  return { name: 'flood limit', run };
};

/** draft-ietf-httpapi-ratelimit-headers: `q` quota, `w` window, `r` remaining, `t` seconds until there is more. */
const rateLimited = (retryAfterSeconds: number, policy: string): Problem =>
  new Problem('rate_limited', {
    params: { retryAfterSeconds },
    retryAfterSeconds,
    headers: { 'ratelimit-policy': policy, ratelimit: `"flood";r=0;t=${retryAfterSeconds}` },
  });

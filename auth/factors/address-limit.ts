import { createHash } from 'node:crypto';
import { defaultRealm, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import { networkOf } from '@sallyport/kit/network-address';
import type { Counters } from '@sallyport/storage/contracts/counters';
import type { LimitAddress } from './factor.ts';

export interface AddressLimitOptions {
  readonly counters: Pick<Counters, 'countAttempt'>;
  readonly clock: Clock;
  /** As the counters keep it, and as a client is told. */
  readonly purpose: string;
  readonly name: string;
  readonly windowMs: number;
  /** 0: no limit. */
  readonly limit: number;
}

/** At most so many from one address in any window, exactly, on all nodes together. The store learns a digest of the address. */
export const createAddressLimit =
  ({ counters, clock, purpose, name, windowMs, limit }: AddressLimitOptions): LimitAddress =>
  async (address) => {
    if (limit === 0) return;
    const subject = createHash('sha256')
      .update(networkOf(address ?? ''))
      .digest('base64url');
    const place = { realmId: defaultRealm, purpose, subject };
    const { allowed, resetAtMs } = await counters.countAttempt({ ...place, limit, windowMs });
    if (allowed) return;
    const retryAfterSeconds = Math.max(1, Math.ceil((resetAtMs - clock.nowMs()) / 1000));
    throw new Problem('rate_limited', {
      params: { retryAfterSeconds },
      retryAfterSeconds,
      headers: {
        'ratelimit-policy': `"${name}";q=${limit};w=${windowMs / 1000}`,
        ratelimit: `"${name}";r=0;t=${retryAfterSeconds}`,
      },
    });
  };

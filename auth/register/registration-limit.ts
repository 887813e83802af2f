import { createHash } from 'node:crypto';
import { defaultRealm, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import { networkOf } from '@sallyport/kit/network-address';
import type { Counters } from '@sallyport/storage/contracts/counters';

export interface RegistrationLimitOptions {
  readonly counters: Pick<Counters, 'countAttempt'>;
  /** 0: no limit. */
  readonly limitPerHour: number;
  readonly clock: Clock;
}

export type LimitRegistration = (address: string | undefined) => Promise<void>;

const windowMs = 3_600_000;

/**
 * At most so many registrations from one address in any hour, exactly, on all nodes together. One for a name that is taken counts as well:
 * it costs a hash, and tells who has an account. The store learns a digest of the address. @throws Problem `rate_limited`
 */
export const createRegistrationLimit =
  ({ counters, limitPerHour: limit, clock }: RegistrationLimitOptions): LimitRegistration =>
  async (address) => {
    if (limit === 0) return;
    const subject = createHash('sha256')
      .update(networkOf(address ?? ''))
      .digest('base64url');
    const place = { realmId: defaultRealm, purpose: 'register-address', subject };
    const { allowed, resetAtMs } = await counters.countAttempt({ ...place, limit, windowMs });
    if (allowed) return;
    const retryAfterSeconds = Math.max(1, Math.ceil((resetAtMs - clock.nowMs()) / 1000));
    throw new Problem('rate_limited', {
      params: { retryAfterSeconds },
      retryAfterSeconds,
      headers: {
        'ratelimit-policy': `"registration";q=${limit};w=${windowMs / 1000}`,
        ratelimit: `"registration";r=0;t=${retryAfterSeconds}`,
      },
    });
  };

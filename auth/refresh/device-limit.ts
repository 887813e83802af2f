import { type DeviceId, defaultRealm, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Counters } from '@sallyport/storage/contracts/counters';

export interface DeviceLimitOptions {
  readonly counters: Pick<Counters, 'countAttempt'>;
  /** 0: no limit. */
  readonly limitPerHour: number;
  readonly clock: Clock;
}

const windowMs = 3_600_000;

/** At most so many refreshes of a device in any hour, exactly, on all nodes together. @throws Problem `rate_limited` */
export const createDeviceLimit =
  ({ counters, limitPerHour: limit, clock }: DeviceLimitOptions) =>
  async (deviceId: DeviceId | undefined): Promise<void> => {
    if (deviceId === undefined || limit === 0) return;
    const place = { realmId: defaultRealm, purpose: 'refresh-device', subject: deviceId };
    const { allowed, resetAtMs } = await counters.countAttempt({ ...place, limit, windowMs });
    if (allowed) return;
    const retryAfterSeconds = Math.max(1, Math.ceil((resetAtMs - clock.nowMs()) / 1000));
    throw new Problem('rate_limited', { params: { retryAfterSeconds }, retryAfterSeconds });
  };

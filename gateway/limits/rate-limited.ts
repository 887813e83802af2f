/**
 * Limits of how often: what a refusal says, and where requests are counted. In this thread by default; in memory that the threads of
 * the process share; by agreement with other gateways through Redis, in the background; or exactly, by Redis itself.
 * Never: holds a request up because Redis is slow or gone, or hands Redis an address or a user in clear.
 */
import { Problem } from '@sallyport/contract';

/** Which limit, as the RateLimit fields name it. */
export interface LimitTold {
  readonly name: 'flood' | 'user';
  /** draft-ietf-httpapi-ratelimit-headers: `q` quota, `w` window in seconds. */
  readonly policy: string;
}

/** What a limiter's verdict means for the request. */
export const outcomeOfLimit = (
  verdict: number | Promise<number>,
  limit: LimitTold,
): undefined | Problem | Promise<undefined | Problem> => {
  if (typeof verdict === 'number') return verdict === 0 ? undefined : rateLimited(verdict, limit);
  return verdict.then((waitMs) => (waitMs === 0 ? undefined : rateLimited(waitMs, limit)));
};

/** draft-ietf-httpapi-ratelimit-headers: `r` remaining, `t` seconds until there is more. */
const rateLimited = (waitMs: number, { name, policy }: LimitTold): Problem => {
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  return new Problem('rate_limited', {
    params: { retryAfterSeconds },
    retryAfterSeconds,
    headers: { 'ratelimit-policy': policy, ratelimit: `"${name}";r=0;t=${retryAfterSeconds}` },
  });
};

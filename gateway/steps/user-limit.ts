import { Problem } from '@sallyport/contract';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import type { RateDecision } from '../rate-limiter.ts';

export interface UserLimitOptions {
  readonly elapsedMs: () => number;
}

/** draft-ietf-httpapi-ratelimit-headers: `r` remaining, `t` seconds until there is more. */
const rateLimited = ({ retryAfterMs }: RateDecision, policy: string): Problem => {
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000);
  return new Problem('rate_limited', {
    params: { retryAfterSeconds },
    retryAfterSeconds,
    headers: { 'ratelimit-policy': policy, ratelimit: `"user";r=0;t=${retryAfterSeconds}` },
  });
};

/** What one user may do with the routes of one group; whoever is anonymous has the flood limit alone. */
export const userLimit = ({ elapsedMs }: UserLimitOptions): Step => {
  const run = ({ route, token }: Exchange): Outcome => {
    if (route?.kind !== 'proxy' || route.userLimit === undefined || token === undefined) return undefined;
    const { limiter, policy } = route.userLimit;
    const decision = limiter.take(token.claims.sub, elapsedMs());
    return decision.allowed ? undefined : rateLimited(decision, policy);
  };
  return { name: 'user limit', run };
};

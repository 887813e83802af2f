import type { Exchange, Outcome, Step } from '../exchange.ts';
import { outcomeOfLimit } from '../limits/rate-limited.ts';

export interface UserLimitOptions {
  readonly elapsedMs: () => number;
}

/** What one user may do with the routes of one group; whoever is anonymous has the flood limit alone. */
export const userLimit = ({ elapsedMs }: UserLimitOptions): Step => {
  const run = ({ route, token }: Exchange): Outcome | Promise<Outcome> => {
    if (route?.kind !== 'proxy' || route.userLimit === undefined || token === undefined) return undefined;
    const { userLimit: limit } = route;
    return outcomeOfLimit(limit.limiter.take(token.claims.sub, elapsedMs()), limit);
  };
  return { name: 'user limit', run };
};

import type { LimitTold } from '../limits/rate-limited.ts';
import { localGcra, type MakeLimiter, type RateLimiter } from '../rate-limiter.ts';
import { burstOf, type UserLimitRule } from '../routes.ts';

/** One limit of a route, shared by its group. */
export interface UserLimit extends LimitTold {
  readonly limiter: RateLimiter;
}

export interface UserLimits {
  /** The limit of a rule. The same numbers of the same group are the same counters, also after a reload. */
  of(rule: UserLimitRule, path: string): UserLimit;
}

const windowSeconds = 60;
/** Limits of tables that are gone are forgotten with the oldest; a table has fewer by far. */
const maxLimits = 8192;

export const createUserLimits = (make: MakeLimiter = localGcra): UserLimits => {
  const kept = new Map<string, UserLimit>();

  const forgetOldest = (): void => {
    const [oldest] = kept.keys();
    if (oldest !== undefined) kept.delete(oldest);
  };

  return Object.freeze({
    of: (rule: UserLimitRule, path: string): UserLimit => {
      const { perMinute } = rule;
      const burst = burstOf(rule);
      const name = rule.group === undefined ? `path ${path}` : `group ${rule.group}`;
      const key = `${perMinute} ${burst} ${name}`;
      const found = kept.get(key);
      if (found !== undefined) return found;
      if (kept.size >= maxLimits) forgetOldest();
      const limiter = make(`user ${name}`, { perMinute, burst });
      const limit: UserLimit = Object.freeze({
        name: 'user',
        limiter,
        policy: `"user";q=${perMinute};w=${windowSeconds}`,
      });
      kept.set(key, limit);
      return limit;
    },
  });
};

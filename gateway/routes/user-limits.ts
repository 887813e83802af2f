import { createLocalLimiter, type RateLimiter } from '../rate-limiter.ts';
import { burstOf, type UserLimitRule } from '../routes.ts';

/** One limit of a route, shared by its group. */
export interface UserLimit {
  readonly limiter: RateLimiter;
  /** draft-ietf-httpapi-ratelimit-headers: `q` quota, `w` window in seconds. */
  readonly policy: string;
}

/** Makes the limiter of a group. `name` is stable over reloads: the key of shared counters. */
export type MakeLimiter = (name: string, limit: { readonly perMinute: number; readonly burst: number }) => RateLimiter;

export interface UserLimits {
  /** The limit of a rule. The same numbers of the same group are the same counters, also after a reload. */
  of(rule: UserLimitRule, path: string): UserLimit;
}

const windowMs = 60_000;
const maxUsers = 65_536;
/** Limits of tables that are gone are forgotten with the oldest; a table has fewer by far. */
const maxLimits = 8192;

const localLimiter: MakeLimiter = (_, { perMinute, burst }) =>
  createLocalLimiter({ intervalMs: windowMs / perMinute, burst, maxKeys: maxUsers });

export const createUserLimits = (make: MakeLimiter = localLimiter): UserLimits => {
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
      const limiter = make(name, { perMinute, burst });
      const limit = Object.freeze({ limiter, policy: `"user";q=${perMinute};w=${windowMs / 1000}` });
      kept.set(key, limit);
      return limit;
    },
  });
};

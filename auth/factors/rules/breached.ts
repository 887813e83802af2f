import { createHash } from 'node:crypto';
import { Problem } from '@sallyport/contract';
import { feedbackOf } from './feedback.ts';
import type { PasswordRule } from './rule.ts';

/** Where breached passwords are looked up. */
export interface BreachSource {
  /** How often a password of this SHA-1 (40 upper-case hex digits) was seen; 0 = never. Rejects where that cannot be said. */
  count(sha1: string): Promise<number>;
  close(): Promise<void>;
}

export interface BreachedOptions {
  readonly source: Pick<BreachSource, 'count'>;
  /** `open`: a password that cannot be looked up is accepted; `closed`: 503. */
  readonly onFailure: 'open' | 'closed';
  /** Every lookup that failed, with its private cause. */
  readonly noteFailure: (cause: unknown) => void;
}

const retryAfterSeconds = 5;

/** Refuses a password that is known from a data breach, however strong it looks. */
export const createBreachedRule = ({ source, onFailure, noteFailure }: BreachedOptions): PasswordRule => ({
  name: 'breached',
  check: async ({ password }) => {
    // SHA-1 is the index of the published lists; it protects nothing here.
    const sha1 = createHash('sha1').update(password).digest('hex').toUpperCase();
    const count = await source.count(sha1).catch((cause: unknown) => {
      noteFailure(cause);
      if (onFailure === 'closed') throw new Problem('password_check_unavailable', { retryAfterSeconds, cause });
      return 0;
    });
    return count > 0 ? { code: 'password_breached', feedback: feedbackOf('pwned', 'pwned') } : undefined;
  },
});

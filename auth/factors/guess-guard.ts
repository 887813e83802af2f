import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRealm, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import { emailKey, foldText } from '@sallyport/kit/identifier';
import { networkOf } from '@sallyport/kit/network-address';
import type { Random } from '@sallyport/kit/random';
import type { AttemptGate, AttemptOutcome, Counters, Reservation } from '@sallyport/storage/contracts/counters';
import type { AuthSettings } from '../config.ts';
import type { GuessGuard } from './factor.ts';

export interface GuessGuardOptions {
  readonly counters: Counters;
  readonly settings: Pick<
    AuthSettings,
    'loginLimitPerMinute' | 'loginLimitPerAddress' | 'lockout' | 'hashQueueWaitSeconds'
  >;
  readonly clock: Clock;
  readonly random: Pick<Random, 'uuidv7'>;
}

const windowMs = 60_000;
/** Longer than any hash with its place in the queue: a place that is not settled by then belonged to a node that died. */
const leaseMs = 120_000;
/** 10 in a row: 15 minutes, doubling, at most a day. */
const lock = { after: 10, firstMs: 15 * 60_000, longestMs: 86_400_000 } as const;
const pollMs = 40;
/** With more guesses waiting each asks the less often, so that all of them together never ask the store more than this many would. */
const fullSpeedWaiters = 50;
/** Beyond, 503 at once: a login costs its caller one connection and nothing else. */
const maxWaiting = 2000;

export const createGuessGuard = (options: GuessGuardOptions): GuessGuard => {
  const { counters, settings, clock, random } = options;
  const realmId = defaultRealm;
  const line: Line = { waiting: 0 };
  return async function guardGuess({ identifier, address, judge }) {
    const gates = gatesFor(identifier, address, settings);
    if (gates.length === 0) return { kind: 'judged', value: (await judge()).value };
    const attemptId = random.uuidv7(clock.nowMs());
    const reserve = () => counters.reserveAttempt({ realmId, attemptId, gates, leaseMs });
    const settle = (outcome: AttemptOutcome) => counters.settleAttempt({ realmId, attemptId, gates, outcome });
    const place = await waitForPlace(reserve, settings.hashQueueWaitSeconds * 1000, clock, line);
    try {
      const { right, value } = await judge();
      if (place === 'locked') {
        // Judged for the cost alone, in time and in writes; the verdict ends here.
        await settle('locked');
        return { kind: 'locked' };
      }
      await settle(right ? 'succeeded' : 'failed');
      return { kind: 'judged', value };
    } catch (error) {
      await settle('cancelled');
      throw error;
    }
  };
};

/** Subjects are hashes: the store learns no address and no identifier that nobody has registered. */
const gatesFor = (
  identifier: string,
  address: string | undefined,
  { loginLimitPerMinute, loginLimitPerAddress, lockout }: GuessGuardOptions['settings'],
): readonly AttemptGate[] => {
  const subject = (text: string) => createHash('sha256').update(text).digest('base64url');
  const account = { purpose: 'login-account', subject: subject(accountOf(identifier)), windowMs };
  const place = { purpose: 'login-address', subject: subject(networkOf(address ?? '')), windowMs };
  return [
    ...(loginLimitPerMinute > 0 || lockout
      ? [{ ...account, limit: loginLimitPerMinute, ...(lockout && { lock }) }]
      : []),
    ...(loginLimitPerMinute > 0 && loginLimitPerAddress > 0 ? [{ ...place, limit: loginLimitPerAddress }] : []),
  ];
};

/**
 * All spellings of one account are one subject: a domain has many (soft hyphens, zero-width spaces, other full stops, punycode)
 * that find the same account, and each of them would bring guesses of its own. Never less folded than what the account is found by.
 */
const accountOf = (identifier: string): string => emailKey(identifier) ?? foldText(identifier);

/**
 * As many guesses as might all be wrong are let through at a time; the others wait until one of those has been judged. So any
 * number of right logins pass, and of wrong ones never more than the limit.
 */
const waitForPlace = async (
  reserve: () => Promise<Reservation>,
  longestMs: number,
  clock: Clock,
  line: Line,
): Promise<'granted' | 'locked'> => {
  const deadline = clock.nowMs() + longestMs;
  for (;;) {
    const reservation = await reserve();
    if (reservation.kind === 'granted' || reservation.kind === 'locked') return reservation.kind;
    if (reservation.kind === 'limited') throw limited(reservation, clock.nowMs());
    if (clock.nowMs() >= deadline || line.waiting >= maxWaiting) throw new Problem('busy', { retryAfterSeconds: 2 });
    await pause(line);
  }
};

interface Line {
  waiting: number;
}

const pause = async (line: Line): Promise<void> => {
  line.waiting += 1;
  const crowd = Math.max(1, line.waiting / fullSpeedWaiters);
  await sleep(pollMs * crowd * (0.5 + Math.random()));
  line.waiting -= 1;
};

/** draft-ietf-httpapi-ratelimit-headers: policy, remaining, seconds to reset. */
const limited = ({ limit, retryAtMs }: Extract<Reservation, { kind: 'limited' }>, nowMs: number): Problem => {
  const retryAfterSeconds = Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000));
  return new Problem('rate_limited', {
    retryAfterSeconds,
    headers: {
      'ratelimit-policy': `"login";q=${limit};w=${windowMs / 1000}`,
      ratelimit: `"login";r=0;t=${retryAfterSeconds}`,
    },
  });
};

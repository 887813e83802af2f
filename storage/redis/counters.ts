import type { EpochMs } from '@sallyport/contract';
import type { AttemptGate, Counters, Reservation } from '../contracts/counters.ts';
import * as scripts from './attempt-scripts.ts';
import type { RunCalls } from './connection.ts';
import { countKey, gateKey } from './keys.ts';
import { listReply } from './replies.ts';

export const createRedisCounters = ({
  run,
  offsetMs,
}: {
  readonly run: RunCalls;
  readonly offsetMs: () => number;
}): Counters => ({
  countAttempt: async ({ realmId, purpose, subject, limit, windowMs }) => {
    const keys = [countKey(realmId, purpose, subject)];
    const [reply] = await run([{ script: scripts.countAttemptScript, keys, args: [offsetMs(), limit, windowMs] }]);
    const [allowed, remaining, resetAtMs] = listReply(reply);
    return { allowed: allowed === 1, remaining: Number(remaining), resetAtMs: resetAtMs as EpochMs };
  },
  reserveAttempt: async ({ realmId, attemptId, gates, leaseMs }) => {
    const keys = gates.map(({ purpose, subject }) => gateKey(realmId, purpose, subject));
    const args = [offsetMs(), attemptId, leaseMs, ...gates.flatMap(numbersOf)];
    const [reply] = await run([{ script: scripts.reserveAttemptScript, keys, args }]);
    return reservationFrom(listReply(reply));
  },
  settleAttempt: async ({ realmId, attemptId, gates, outcome }) => {
    const keys = gates.map(({ purpose, subject }) => gateKey(realmId, purpose, subject));
    const args = [offsetMs(), attemptId, outcome, ...gates.flatMap(numbersOf)];
    await run([{ script: scripts.settleAttemptScript, keys, args }]);
  },
  clearAttempts: async ({ realmId, purpose, subject }) => {
    await run([{ command: ['DEL', countKey(realmId, purpose, subject), gateKey(realmId, purpose, subject)] }]);
  },
});

const numbersOf = ({ limit, windowMs, lock }: AttemptGate): readonly number[] => [
  limit,
  windowMs,
  lock?.after ?? 0,
  lock?.firstMs ?? 0,
  lock?.longestMs ?? 0,
];

const reservationFrom = ([kind, retryAtMs, limit, windowMs]: readonly unknown[]): Reservation => {
  switch (kind) {
    case 'limited':
      return { kind, retryAtMs: retryAtMs as EpochMs, limit: Number(limit), windowMs: Number(windowMs) };
    case 'wait':
    case 'locked':
    case 'granted':
      return { kind };
    default:
      throw new TypeError(`no such reservation: ${String(kind)}`);
  }
};

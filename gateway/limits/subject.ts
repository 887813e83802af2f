import { createHmac, hkdfSync } from 'node:crypto';
import type { LimitNumbers } from '../rate-limiter.ts';

/** Names a counter to others: neither address nor user can be read from it, or tried out, without the key. */
export type SubjectOf = (name: string, numbers: LimitNumbers, key: string) => string;

const subjectBytes = 16;

/**
 * Every gateway with the same current master names a counter alike. Other numbers make another counter: what was owed under one
 * limit is nothing under another.
 * @param master the current one of GATEWAY_MASTER_KEYS
 */
export const createSubjectOf = (master: Uint8Array): SubjectOf => {
  const key = Buffer.from(hkdfSync('sha256', master, '', 'sallyport/limits/1', 32));
  return (name, { perMinute, burst }, text) =>
    createHmac('sha256', key)
      .update(`${name}\n${perMinute}\n${burst}\n${text}`)
      .digest()
      .toString('base64url', 0, subjectBytes);
};

/** Whole microseconds, as Redis counts. */
export const intervalUsOf = ({ perMinute }: LimitNumbers): number => Math.max(1, Math.round(60_000_000 / perMinute));

import type { SessionId } from '@sallyport/contract';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';
import type { Housekeeping, SessionSweep } from '../../contracts/housekeeping.ts';
import type { Transaction } from '../transaction.ts';

/** In the order of the key, which is that of their making: no index on expiries has to be kept up to date at each rotation. */
const lookAt = 'SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT ?';
/** The idle expiry is never past the absolute one. */
const removeSessions = `DELETE FROM sessions WHERE id > ? AND id <= ? AND idle_expires_at_ms <= ?
  AND (revoked_at_ms IS NULL OR revoked_at_ms <= ?)`;

export const removeExpiredSessions = (
  tx: Transaction,
  { after, keepEndedMs, limit }: Parameters<Housekeeping['removeExpiredSessions']>[0],
): SessionSweep => {
  const from = after === undefined ? new Uint8Array(0) : uuidToBytes(after);
  const seen = tx.all(lookAt, from, limit);
  const last = seen.at(-1)?.['id'] as Uint8Array | undefined;
  if (last === undefined) return { removed: 0, last: undefined };
  const { changes: removed } = tx.run(removeSessions, from, last, tx.nowMs, tx.nowMs - keepEndedMs);
  return { removed, last: seen.length < limit ? undefined : (uuidFromBytes(last) as SessionId) };
};

export const removeExpiredNonces = (tx: Transaction, limit: number): number =>
  tx.run(
    `DELETE FROM nonces WHERE (realm_id, purpose, nonce) IN
      (SELECT realm_id, purpose, nonce FROM nonces WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`,
    tx.nowMs,
    limit,
  ).changes;

export const removeIdleCounters = (tx: Transaction, limit: number): number =>
  tx.run(
    `DELETE FROM counters WHERE (realm_id, purpose, subject) IN
      (SELECT realm_id, purpose, subject FROM counters WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`,
    tx.nowMs,
    limit,
  ).changes;

/** Effect ids begin with their time (RFC 9562 §5.7): their key finds the old ones. */
const idsBefore = (ms: number): Uint8Array => {
  const bound = Buffer.alloc(16);
  bound.writeUIntBE(Math.max(0, ms), 0, 6);
  return bound;
};

export const removeOldEvents = (
  tx: Transaction,
  { keepMs, limit }: Parameters<Housekeeping['removeOldEvents']>[0],
): number =>
  tx.run(
    `DELETE FROM outbox WHERE effect_id IN (
      SELECT effect_id FROM outbox WHERE effect_id < ? AND published_at_ms IS NOT NULL ORDER BY effect_id LIMIT ?)`,
    idsBefore(tx.nowMs - keepMs),
    limit,
  ).changes;

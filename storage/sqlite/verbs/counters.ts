import type { EpochMs } from '@sallyport/contract';
import type { AttemptCount, Counters } from '../../contracts/counters.ts';
import type { Transaction } from '../transaction.ts';

const upsert = `INSERT INTO counters (realm_id, purpose, subject, attempts_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET attempts_ms = excluded.attempts_ms, expires_at_ms = excluded.expires_at_ms`;

/** The attempts inside the window stand in the row, oldest first: the window slides exactly. */
export const countAttempt = (tx: Transaction, input: Parameters<Counters['countAttempt']>[0]): AttemptCount => {
  const now = tx.nowMs;
  const row = tx.get(
    'SELECT attempts_ms FROM counters WHERE realm_id = ? AND purpose = ? AND subject = ?',
    input.realmId,
    input.purpose,
    input.subject,
  );
  const kept = row === undefined ? [] : (JSON.parse(String(row['attempts_ms'])) as number[]);
  const attempts = kept.filter((attemptMs) => attemptMs > now - input.windowMs);
  const allowed = attempts.length < input.limit;
  if (!allowed) {
    const oldest = attempts[attempts.length - input.limit] ?? now;
    return { allowed, remaining: 0, resetAtMs: (oldest + input.windowMs) as EpochMs };
  }
  attempts.push(now);
  const resetAtMs = (now + input.windowMs) as EpochMs;
  tx.run(upsert, input.realmId, input.purpose, input.subject, JSON.stringify(attempts), resetAtMs);
  return { allowed, remaining: input.limit - attempts.length, resetAtMs };
};

export const clearAttempts = (tx: Transaction, input: Parameters<Counters['clearAttempts']>[0]): void => {
  tx.run(
    'DELETE FROM counters WHERE realm_id = ? AND purpose = ? AND subject = ?',
    input.realmId,
    input.purpose,
    input.subject,
  );
};

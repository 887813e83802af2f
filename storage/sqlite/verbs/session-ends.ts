import type { SessionId } from '@sallyport/contract';
import { uuidToBytes } from '@sallyport/kit/random';
import type { SessionEnd } from '../../contracts/revocations.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';
import { appendRevocation } from './revocations.ts';

const insert = `INSERT INTO ended_sessions (session_id, realm_id, user_id, cause, at_ms, keep_until_ms) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO NOTHING`;
/** A row of the time before sessions moved to the other store: it must not live again if they come back. */
const endOwnRow = 'UPDATE sessions SET revoked_at_ms = ?, revoked_cause = ? WHERE id = ? AND revoked_at_ms IS NULL';

export const recordSessionEnds = (
  tx: Transaction,
  input: {
    readonly ends: readonly SessionEnd[];
    readonly context: ActContext | undefined;
    readonly lifetimeMs: number;
  },
): readonly SessionId[] => input.ends.filter((end) => recordEnd(tx, end, input)).map(({ sessionId }) => sessionId);

const recordEnd = (
  tx: Transaction,
  { sessionId, realmId, userId, cause, keepUntilMs }: SessionEnd,
  { context, lifetimeMs }: { readonly context: ActContext | undefined; readonly lifetimeMs: number },
): boolean => {
  const id = uuidToBytes(sessionId);
  const owner = userId === undefined ? null : uuidToBytes(userId);
  if (tx.run(insert, id, realmId, owner, cause, tx.nowMs, keepUntilMs).changes === 0) return false;
  tx.run(endOwnRow, tx.nowMs, cause, id);
  appendRevocation(tx, { realmId, subject: { kind: 'session', sessionId }, cause, lifetimeMs });
  if (context !== undefined) {
    const whose = userId === undefined ? {} : { userId };
    appendEffect(tx, { act: 'session.ended', realmId, ...whose, sessionId, data: { cause }, context });
  }
  return true;
};

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

interface Ending {
  readonly context: ActContext;
  readonly lifetimeMs: number;
}

export const recordSessionEnds = (
  tx: Transaction,
  { ends, ...ending }: Ending & { readonly ends: readonly SessionEnd[] },
): readonly SessionId[] => ends.filter((end) => recordEnd(tx, end, ending)).map(({ sessionId }) => sessionId);

const recordEnd = (
  tx: Transaction,
  { sessionId, realmId, userId, cause, keepUntilMs }: SessionEnd,
  { context, lifetimeMs }: Ending,
): boolean => {
  const id = uuidToBytes(sessionId);
  const owner = userId === undefined ? null : uuidToBytes(userId);
  if (tx.run(insert, id, realmId, owner, cause, tx.nowMs, keepUntilMs).changes === 0) return false;
  tx.run(endOwnRow, tx.nowMs, cause, id);
  const act = cause === 'reused' ? 'refresh.reused' : 'session.ended';
  appendEffect(tx, { act, realmId, ...(userId !== undefined && { userId }), sessionId, data: { cause }, context });
  appendRevocation(tx, { realmId, subject: { kind: 'session', sessionId }, cause, lifetimeMs });
  return true;
};

import { defaultRealm } from '@sallyport/contract';
import { type Recovery, type Restored, restoredEpochStartMs } from '../../contracts/recovery.ts';
import type { Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';

export const markRestored = (
  tx: Transaction,
  { incarnation, context }: Parameters<Recovery['markRestored']>[0],
): Restored => {
  const epoch = Math.floor((tx.nowMs - restoredEpochStartMs) / 1000);
  const { changes: sessions } = tx.run(
    "UPDATE sessions SET revoked_at_ms = ?, revoked_cause = 'restored' WHERE revoked_at_ms IS NULL",
    tx.nowMs,
  );
  const { changes: users } = tx.run(
    'UPDATE users SET session_epoch = max(session_epoch + 1, ?), access_epoch = max(access_epoch + 1, ?)',
    epoch,
    epoch,
  );
  tx.run("UPDATE store_meta SET value = ? WHERE key = 'incarnation'", incarnation);
  tx.run("DELETE FROM store_meta WHERE key LIKE 'companion:%'");
  appendEffect(tx, { act: 'store.restored', realmId: defaultRealm, data: { sessions, users }, context });
  return { sessions, users };
};

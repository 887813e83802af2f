import type { CredentialId, RealmId } from '@sallyport/contract';
import { type Credentials, type NewCredential, noteUseEveryMs } from '../../contracts/credentials.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';

/** False: one of that name lives. */
export const createCredential = (
  tx: Transaction,
  { credential, context }: { readonly credential: NewCredential; readonly context: ActContext },
): boolean => {
  const { id, realmId, name, scopes, secretHash, ttlMs } = credential;
  const { changes } = tx.run(
    `INSERT INTO credentials (id, realm_id, name, scopes, secret_hash, created_at_ms, expires_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ...[id, realmId, name, JSON.stringify(scopes), secretHash, tx.nowMs],
    ttlMs === undefined ? null : tx.nowMs + ttlMs,
  );
  if (changes === 0) return false;
  appendEffect(tx, { act: 'credential.created', realmId, data: { credential: id, name, scopes }, context });
  return true;
};

export const noteCredentialUse = (
  tx: Transaction,
  { realmId, id }: { readonly realmId: RealmId; readonly id: CredentialId },
): void => {
  tx.run(
    `UPDATE credentials SET last_used_at_ms = ? WHERE realm_id = ? AND id = ?
      AND (last_used_at_ms IS NULL OR last_used_at_ms <= ?)`,
    ...[tx.nowMs, realmId, id, tx.nowMs - noteUseEveryMs],
  );
};

export const revokeCredential = (
  tx: Transaction,
  { realmId, id, context }: Parameters<Credentials['revokeCredential']>[0],
): boolean => {
  const row = tx.get(
    'UPDATE credentials SET revoked_at_ms = ? WHERE realm_id = ? AND id = ? AND revoked_at_ms IS NULL RETURNING name',
    ...[tx.nowMs, realmId, id],
  );
  if (row === undefined) return false;
  const data = { credential: id, name: String(row['name']) };
  appendEffect(tx, { act: 'credential.revoked', realmId, data, context });
  return true;
};

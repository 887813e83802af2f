import type { RealmId } from '@sallyport/contract';
import type { StoredKey } from '../../contracts/keys.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';
import { appendRevocation } from './revocations.ts';

export const listKeysStatement = `SELECT * FROM signing_keys WHERE realm_id = ? AND algorithm = ?
  ORDER BY state = 'current' DESC, created_at_ms DESC, kid`;

export const ensureCurrentKey = (
  tx: Transaction,
  { candidate, context }: { readonly candidate: StoredKey; readonly context: ActContext },
): SqlRow[] => {
  const inserted = tx.run(
    `INSERT INTO signing_keys (kid, realm_id, algorithm, public_jwk, private_key_sealed, state, created_at_ms)
      VALUES (?, ?, ?, ?, ?, 'current', ?) ON CONFLICT DO NOTHING`,
    candidate.kid,
    candidate.realmId,
    candidate.algorithm,
    candidate.publicJwk,
    candidate.sealedPrivateKey,
    tx.nowMs,
  );
  if (inserted.changes === 1) {
    const data = { kid: candidate.kid, algorithm: candidate.algorithm };
    appendEffect(tx, { act: 'key.added', realmId: candidate.realmId, data, context });
  }
  return tx.all(listKeysStatement, candidate.realmId, candidate.algorithm);
};

/** Whoever has a private key writes the expiry of his tokens himself: the access lifetime is no bound here. */
const keyLifetimeMs = 365 * 86_400_000;

export const removeKey = (
  tx: Transaction,
  { realmId, kid, context }: { readonly realmId: RealmId; readonly kid: string; readonly context: ActContext },
): boolean => {
  const { changes } = tx.run('DELETE FROM signing_keys WHERE realm_id = ? AND kid = ?', realmId, kid);
  appendEffect(tx, { act: 'key.removed', realmId, data: { kid, fromRing: changes === 1 }, context });
  const subject = { kind: 'key', kid } as const;
  appendRevocation(tx, { realmId, subject, cause: 'key_removed', lifetimeMs: keyLifetimeMs });
  return changes === 1;
};

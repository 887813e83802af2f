import type { StoredKey } from '../../contracts/keys.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';

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

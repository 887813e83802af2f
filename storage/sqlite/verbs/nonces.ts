import type { Nonces } from '../../contracts/nonces.ts';
import type { Transaction } from '../transaction.ts';

/** A spent nonce that has expired may be spent again: its time window refuses it by then. */
export const consumeNonce = (tx: Transaction, input: Parameters<Nonces['consumeNonce']>[0]): boolean =>
  tx.run(
    `INSERT INTO nonces (realm_id, purpose, nonce, expires_at_ms) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET expires_at_ms = excluded.expires_at_ms WHERE nonces.expires_at_ms <= ?`,
    input.realmId,
    input.purpose,
    input.nonce,
    input.expiresAtMs,
    tx.nowMs,
  ).changes === 1;

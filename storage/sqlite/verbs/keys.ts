import type { RealmId } from '@sallyport/contract';
import type { Keys, NewKey, RingStep } from '../../contracts/keys.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';
import { appendRevocation } from './revocations.ts';

export const listKeysStatement = `SELECT * FROM signing_keys WHERE realm_id = ? AND algorithm = ?
  ORDER BY state = 'current' DESC, created_at_ms DESC, kid`;

export const ensureCurrentKey = (
  tx: Transaction,
  { candidate, context }: { readonly candidate: NewKey; readonly context: ActContext },
): SqlRow[] => {
  const inserted = tx.run(
    `INSERT INTO signing_keys (kid, realm_id, algorithm, public_jwk, private_key_sealed, state, created_at_ms, signs_from_ms)
      VALUES (?, ?, ?, ?, ?, 'current', ?, ?) ON CONFLICT DO NOTHING`,
    candidate.kid,
    candidate.realmId,
    candidate.algorithm,
    candidate.publicJwk,
    candidate.sealedPrivateKey,
    tx.nowMs,
    tx.nowMs,
  );
  if (inserted.changes === 1) {
    const data = { kid: candidate.kid, algorithm: candidate.algorithm };
    appendEffect(tx, { act: 'key.added', realmId: candidate.realmId, data, context });
  }
  return tx.all(listKeysStatement, candidate.realmId, candidate.algorithm);
};

export const ensureNextKey = (
  tx: Transaction,
  { candidate, publishForMs, context }: Parameters<Keys['ensureNextKey']>[1] & { readonly candidate: NewKey },
): SqlRow[] => {
  const { kid, realmId, algorithm } = candidate;
  const inserted = tx.run(
    `INSERT INTO signing_keys (kid, realm_id, algorithm, public_jwk, private_key_sealed, state, created_at_ms, signs_from_ms)
      SELECT ?, ?, ?, ?, ?, 'next', ?, ?
      WHERE EXISTS (SELECT 1 FROM signing_keys WHERE realm_id = ? AND algorithm = ? AND state = 'current')
      ON CONFLICT DO NOTHING`,
    ...[kid, realmId, algorithm, candidate.publicJwk, candidate.sealedPrivateKey],
    ...[tx.nowMs, tx.nowMs + publishForMs, realmId, algorithm],
  );
  if (inserted.changes === 1) appendEffect(tx, { act: 'key.added', realmId, data: { kid, algorithm }, context });
  return tx.all(listKeysStatement, realmId, algorithm);
};

export const advanceRing = (
  tx: Transaction,
  { realmId, algorithm, verifyForMs, context }: RingStep & { readonly verifyForMs: number },
): SqlRow[] => {
  const ring = [realmId, algorithm] as const;
  const over = tx.all(
    `DELETE FROM signing_keys WHERE realm_id = ? AND algorithm = ? AND state = 'retired' AND verifies_until_ms <= ? RETURNING kid`,
    ...ring,
    tx.nowMs,
  );
  for (const { kid } of over) appendEffect(tx, { act: 'key.expired', realmId, data: { kid: String(kid) }, context });
  const [first, ...others] = tx.all(listKeysStatement, ...ring);
  const current = first?.['state'] === 'current' ? first : undefined;
  const next = [first, ...others].find((row) => row?.['state'] === 'next');
  if (next !== undefined && (current === undefined || Number(next['signs_from_ms']) <= tx.nowMs)) {
    if (current !== undefined) {
      const until = tx.nowMs + verifyForMs;
      const kid = String(current['kid']);
      tx.run(`UPDATE signing_keys SET state = 'retired', verifies_until_ms = ? WHERE kid = ?`, until, kid);
    }
    const kid = String(next['kid']);
    tx.run(`UPDATE signing_keys SET state = 'current', signs_from_ms = ? WHERE kid = ?`, tx.nowMs, kid);
    const data = { kid, algorithm, ...(current && { previousKid: String(current['kid']) }) };
    appendEffect(tx, { act: 'key.rotated', realmId, data, context });
  }
  return tx.all(listKeysStatement, ...ring);
};

export const withdrawKey = (
  tx: Transaction,
  { realmId, kid, context }: Parameters<Keys['withdrawKey']>[0],
): 'withdrawn' | 'current' | 'unknown' => {
  const found = tx.get('SELECT state FROM signing_keys WHERE realm_id = ? AND kid = ?', realmId, kid);
  if (found === undefined) return 'unknown';
  if (found['state'] === 'current') return 'current';
  tx.run('DELETE FROM signing_keys WHERE realm_id = ? AND kid = ?', realmId, kid);
  appendEffect(tx, { act: 'key.withdrawn', realmId, data: { kid }, context });
  return 'withdrawn';
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

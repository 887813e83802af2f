import { uuidToBytes } from '@sallyport/kit/random';
import type { Lease, Outbox, OutboxEvent, Settlement } from '../../contracts/outbox.ts';
import type { Transaction } from '../transaction.ts';
import { dataWithoutPerson, isErased } from './erasure.ts';

const insert = `INSERT INTO outbox (effect_id, realm_id, type, version, key, data, at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

export const appendEvents = (tx: Transaction, events: readonly OutboxEvent[]): void => {
  for (const event of events) {
    tx.run(
      insert,
      uuidToBytes(event.effectId),
      event.realmId,
      event.type,
      event.version,
      event.key,
      isErased(tx, event.key) ? dataWithoutPerson(event.data) : event.data,
      event.atMs,
    );
  }
};

/** Another holder's lease that has run out begins anew under the next fence; an own one goes on under the fence that it has. */
const claim = `INSERT INTO outbox_leases (partition, holder, fence, until_ms) VALUES (?, ?, 1, ?)
  ON CONFLICT (partition) DO UPDATE SET
    fence = fence + (holder <> excluded.holder), holder = excluded.holder, until_ms = excluded.until_ms
  WHERE holder = excluded.holder OR until_ms <= ?
  RETURNING fence`;

export const claimPartitions = (
  tx: Transaction,
  { holder, partitions, leaseMs }: Parameters<Outbox['claimPartitions']>[0],
): readonly Lease[] =>
  partitions.flatMap((partition) => {
    const row = tx.get(claim, partition, holder, tx.nowMs + leaseMs, tx.nowMs);
    return row === undefined ? [] : [{ partition, fence: Number(row['fence']) }];
  });

export const pendingState = 'published_at_ms IS NULL AND dead_at_ms IS NULL';

export const settleEvents = (tx: Transaction, settlement: Settlement): boolean => {
  const { lease, holder, published, retries, dead, release } = settlement;
  const own = 'partition = ? AND holder = ? AND fence = ?';
  const owner = [lease.partition, holder, lease.fence] as const;
  if (tx.get(`SELECT 1 AS held FROM outbox_leases WHERE ${own}`, ...owner) === undefined) return false;
  for (const id of published) {
    tx.run(
      `UPDATE outbox SET published_at_ms = ?, retry_at_ms = NULL, reason = NULL WHERE effect_id = ? AND ${pendingState}`,
      ...[tx.nowMs, uuidToBytes(id)],
    );
  }
  for (const { effectId, reason, retryInMs } of retries) {
    tx.run(
      `UPDATE outbox SET tries = tries + 1, retry_at_ms = ?, reason = ? WHERE effect_id = ? AND ${pendingState}`,
      ...[tx.nowMs + retryInMs, reason, uuidToBytes(effectId)],
    );
  }
  for (const { effectId, reason } of dead) {
    tx.run(
      `UPDATE outbox SET tries = tries + 1, dead_at_ms = ?, retry_at_ms = NULL, reason = ? WHERE effect_id = ? AND ${pendingState}`,
      ...[tx.nowMs, reason, uuidToBytes(effectId)],
    );
  }
  if (release) tx.run(`UPDATE outbox_leases SET until_ms = 0 WHERE ${own}`, ...owner);
  return true;
};

const state = `CASE WHEN dead_at_ms IS NOT NULL THEN 'dead' WHEN published_at_ms IS NOT NULL THEN 'published' ELSE 'pending' END`;

/** A filter as one condition: each part is a member of the JSON object `?1`, and asks nothing where it is not given. */
export const fits = `(?1 ->> '$.type' IS NULL OR type = ?1 ->> '$.type')
  AND (?1 ->> '$.key' IS NULL OR key = ?1 ->> '$.key')
  AND (?1 ->> '$.state' IS NULL OR ${state} = ?1 ->> '$.state')
  AND (?1 ->> '$.sinceMs' IS NULL OR at_ms >= ?1 ->> '$.sinceMs')
  AND (?1 ->> '$.untilMs' IS NULL OR at_ms < ?1 ->> '$.untilMs')`;

export const replayEvents = (tx: Transaction, effectIds: readonly string[]): number =>
  tx.run(
    `UPDATE outbox SET published_at_ms = NULL, dead_at_ms = NULL, tries = 0, retry_at_ms = NULL, reason = NULL
      WHERE effect_id IN (SELECT unhex(value) FROM json_each(?)) AND NOT (${pendingState})`,
    JSON.stringify(effectIds.map((id) => id.replaceAll('-', ''))),
  ).changes;

import type { Audit, AuditCheckpoint, AuditSpool, ChainHead } from '../../contracts/audit.ts';
import { firstIdAround } from '../../contracts/audit-ids.ts';
import type { SqlRow, SqlValue } from '../connection.ts';
import type { Driver } from '../driver.ts';
import {
  auditColumns,
  auditFromRow,
  checkpointColumns,
  checkpointFromRow,
  listed,
  sealedColumns,
  sealedFromRow,
} from '../rows.ts';

const isOpen = 'place IS NULL AND delivered_at_ms IS NULL';

export const audit = ({ schema: s, read, write }: Driver): Audit => {
  const columns = listed(auditColumns);
  const list = `SELECT ${columns} FROM ${s}.audit
    WHERE realm_id = $1 AND ($2::text IS NULL OR user_id = $2) AND ($3::text IS NULL OR event_type = $3)
      AND ($4::text IS NULL OR address = $4) AND ($5::bigint IS NULL OR at_ms >= $5) AND ($6::bigint IS NULL OR at_ms < $6)
      AND ($7::uuid IS NULL OR effect_id < $7) AND ($8::uuid IS NULL OR effect_id >= $8)
    ORDER BY effect_id DESC LIMIT $9`;
  const lease = `UPDATE ${s}.audit_chain SET lease_holder = $1, lease_until_ms = ${s}.now_ms() + $2::bigint
    WHERE id = 1 AND (lease_holder = $1 OR lease_until_ms < ${s}.now_ms()) RETURNING 1 AS leased`;
  const cut = `WITH first AS (SELECT place, hash, at_ms FROM ${s}.audit WHERE place IS NOT NULL ORDER BY place LIMIT $2)
    SELECT place, hash FROM first
    WHERE place < coalesce((SELECT min(place) FROM first WHERE at_ms >= (SELECT ${s}.now_ms() - $1::bigint)), 9007199254740991)
    ORDER BY place DESC LIMIT 1`;
  return {
    appendAudit: async (records) => {
      await write(`SELECT ${s}.append_audit($1)`, records);
    },
    listAudit: async ({ realmId, userId, eventType, address, sinceMs, untilMs, before, limit }) => {
      const from = sinceMs === undefined ? undefined : firstIdAround(sinceMs);
      const given = [userId, eventType, address, sinceMs, untilMs, before, from].map((value) => value ?? null);
      return (await read(list, realmId, ...given, limit)).map(auditFromRow);
    },
    readUnsealed: readUnsealed(s, read),
    readChainHead: async () => headFromRow((await read(`SELECT place, hash FROM ${s}.audit_chain WHERE id = 1`))[0]),
    sealAudit: async ({ place, hash }, records) => {
      const [row] = await write(`SELECT ${s}.seal_audit($1, $2, $3) AS sealed`, place, hash, records);
      return row?.['sealed'] === true;
    },
    readSealed: async (afterPlace, limit) => {
      const sql = `SELECT ${listed(sealedColumns)} FROM ${s}.audit WHERE place > $1 ORDER BY place LIMIT $2`;
      return (await read(sql, afterPlace, limit)).map(sealedFromRow);
    },
    leaseSealing: async ({ holder, ttlMs }) => (await write(lease, holder, ttlMs)).length === 1,
    appendCheckpoint: async (checkpoint) => {
      await write(`SELECT ${s}.put_audit_checkpoint($1, $2, $3, $4, $5, $6)`, ...valuesOf(checkpoint));
    },
    listCheckpoints: async ({ kind, afterPlace, limit }) => {
      const sql = `SELECT ${listed(checkpointColumns)} FROM ${s}.audit_checkpoints WHERE kind = $1 AND place > $2
        ORDER BY place LIMIT $3`;
      return (await read(sql, kind, afterPlace, limit)).map(checkpointFromRow);
    },
    findCut: async ({ keepMs, limit }) => {
      const [row] = await read(cut, keepMs, limit);
      return row && headFromRow(row);
    },
    cutAudit: async (checkpoint) => {
      const [row] = await write(`SELECT ${s}.cut_audit($1, $2, $3, $4, $5, $6) AS cut`, ...valuesOf(checkpoint));
      return Number(row?.['cut']);
    },
  };
};

export const auditSpool = ({ schema: s, read, write }: Driver): AuditSpool => {
  const deliver = `UPDATE ${s}.audit SET delivered_at_ms = ${s}.now_ms()
    WHERE place IS NULL AND effect_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))`;
  const remove = `WITH gone AS (
      DELETE FROM ${s}.audit WHERE effect_id IN (
        SELECT effect_id FROM ${s}.audit WHERE delivered_at_ms < (SELECT ${s}.now_ms() - $1::bigint)
        ORDER BY delivered_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1)
    SELECT count(*) AS removed FROM gone`;
  const count = `SELECT count(*) AS waiting, min(at_ms) AS oldest FROM
    (SELECT at_ms FROM ${s}.audit WHERE ${isOpen} ORDER BY effect_id LIMIT $1) open`;
  return {
    collectAudit: async (records, { node, boot, number }, chain) => {
      const sql = `SELECT fresh, sealed FROM ${s}.collect_audit($1, $2, $3, $4, $5, $6)`;
      const given = chain ? records.map((record, index) => ({ ...record, seal: chain.seals[index] })) : records;
      const { place = null, hash = null } = chain?.expected ?? {};
      const [row] = await write(sql, given, node, boot, number, place, hash);
      return { fresh: Number(row?.['fresh']), sealed: row?.['sealed'] === true };
    },
    readUnsealed: readUnsealed(s, read),
    markDelivered: async (effectIds) => {
      await write(deliver, effectIds);
    },
    removeDelivered: async ({ keepMs, limit }) => Number((await write(remove, keepMs, limit))[0]?.['removed']),
    countWaiting: async (atMost) => {
      const [row] = await read(count, atMost);
      const oldest = row?.['oldest'] ?? null;
      return { waiting: Number(row?.['waiting']), oldestAtMs: oldest === null ? undefined : Number(oldest) };
    },
  };
};

const readUnsealed =
  (s: string, read: Driver['read']): Audit['readUnsealed'] =>
  async (limit) =>
    (
      await read(`SELECT ${listed(auditColumns)} FROM ${s}.audit WHERE ${isOpen} ORDER BY effect_id LIMIT $1`, limit)
    ).map(auditFromRow);

const headFromRow = (row: SqlRow | undefined): ChainHead => ({
  place: Number(row?.['place']),
  hash: String(row?.['hash']),
});

const valuesOf = ({ kind, place, hash, atMs, keyId, signature }: AuditCheckpoint): SqlValue[] => [
  kind,
  place,
  hash,
  atMs,
  keyId,
  signature,
];

import type { SQLInputValue } from 'node:sqlite';
import { uuidToBytes } from '@sallyport/kit/random';
import type { Audit, AuditSpool } from '../contracts/audit.ts';
import { firstIdAround } from '../contracts/audit-ids.ts';
import type { Driver } from './driver.ts';
import type { Reader } from './reader.ts';
import * as rows from './rows.ts';

export const audit = ({ queue, reader }: Driver): Audit => ({
  appendAudit: (records) => queue.call('appendAudit', records),
  listAudit: async ({ realmId, limit, ...filter }) => {
    const conditions: readonly (readonly [string, SQLInputValue | undefined])[] = [
      ['user_id = ?', filter.userId],
      ['event_type = ?', filter.eventType],
      ['address = ?', filter.address],
      ['at_ms >= ?', filter.sinceMs],
      ['at_ms < ?', filter.untilMs],
      ['effect_id >= ?', filter.sinceMs === undefined ? undefined : uuidToBytes(firstIdAround(filter.sinceMs))],
      ['effect_id < ?', filter.before === undefined ? undefined : uuidToBytes(filter.before)],
    ];
    const given = conditions.filter((each): each is readonly [string, SQLInputValue] => each[1] !== undefined);
    const where = ['realm_id = ?', ...given.map(([condition]) => condition)].join(' AND ');
    const values = given.map(([, value]) => value);
    const sql = `SELECT * FROM audit WHERE ${where} ORDER BY effect_id DESC LIMIT ?`;
    return (await reader.all(sql, realmId, ...values, limit)).map(rows.auditFromRow);
  },
  readUnsealed: readUnsealed(reader),
  readChainHead: async () => {
    const row = await reader.get('SELECT place, hash FROM audit_chain WHERE id = 1');
    return { place: Number(row?.['place']), hash: String(row?.['hash']) };
  },
  sealAudit: (expected, records) =>
    queue.call('sealAudit', {
      expected,
      // Messages are copied: no more than is needed.
      rows: records.map(({ effectId, address, userAgent, details, seal }) => ({
        ...{ effectId, address, userAgent, details, seal },
      })),
    }),
  readSealed: async (afterPlace, limit) =>
    (await reader.all('SELECT * FROM audit WHERE place > ? ORDER BY place LIMIT ?', afterPlace, limit)).map(
      rows.sealedFromRow,
    ),
  leaseSealing: (input) => queue.call('leaseSealing', input),
  appendCheckpoint: (checkpoint) => queue.call('appendCheckpoint', checkpoint),
  listCheckpoints: async ({ kind, afterPlace, limit }) => {
    const sql = 'SELECT * FROM audit_checkpoints WHERE kind = ? AND place > ? ORDER BY place LIMIT ?';
    return (await reader.all(sql, kind, afterPlace, limit)).map(rows.checkpointFromRow);
  },
  findCut: (input) => queue.call('findCut', input),
  cutAudit: (checkpoint) => queue.call('cutAudit', checkpoint),
});

const isOpen = 'place IS NULL AND delivered_at_ms IS NULL';

const readUnsealed =
  (reader: Reader): Audit['readUnsealed'] =>
  async (limit) =>
    (await reader.all(`SELECT * FROM audit WHERE ${isOpen} ORDER BY effect_id LIMIT ?`, limit)).map(rows.auditFromRow);

export const auditSpool = ({ queue, reader }: Driver): AuditSpool => ({
  collectAudit: (records, from, chain) => queue.call('collectAudit', { records, from, chain }),
  readUnsealed: readUnsealed(reader),
  markDelivered: (effectIds) => queue.call('markDelivered', effectIds),
  removeDelivered: (input) => queue.call('removeDelivered', input),
  countWaiting: async (atMost) => {
    const row = await reader.get(
      `SELECT count(*) AS waiting, min(at_ms) AS oldest FROM
        (SELECT at_ms FROM audit WHERE ${isOpen} ORDER BY effect_id LIMIT ?)`,
      atMost,
    );
    const oldest = row?.['oldest'] ?? null;
    return { waiting: Number(row?.['waiting']), oldestAtMs: oldest === null ? undefined : Number(oldest) };
  },
});

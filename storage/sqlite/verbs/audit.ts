import { uuidToBytes } from '@sallyport/kit/random';
import type {
  AuditCheckpoint,
  AuditOrigin,
  AuditRecord,
  AuditSeal,
  ChainHead,
  ChainLink,
  Collected,
} from '../../contracts/audit.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { dataWithoutPerson, isErased } from './erasure.ts';

const insert = `INSERT INTO audit (effect_id, realm_id, event_type, actor, user_id, session_id, device_id, address, user_agent, request_id,
    details, at_ms, node, boot, boot_number, mac, place, hash, person_hash, person_salt)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

interface Placed {
  readonly origin?: AuditOrigin | undefined;
  readonly seal?: AuditSeal | undefined;
}

/** False: it was there. */
const append = (tx: Transaction, record: AuditRecord, { origin, seal: given }: Placed, erased: boolean): boolean => {
  const { changes } = tx.run(
    insert,
    uuidToBytes(record.effectId),
    record.realmId,
    record.eventType,
    record.actor,
    record.userId ?? null,
    record.sessionId ?? null,
    record.deviceId ?? null,
    erased ? null : (record.address ?? null),
    erased ? null : (record.userAgent ?? null),
    record.requestId,
    erased ? dataWithoutPerson(record.details) : record.details,
    record.atMs,
    origin?.node ?? null,
    origin?.boot ?? null,
    origin?.number ?? null,
    record.mac ?? null,
    given?.place ?? null,
    given?.hash ?? null,
    given?.personHash ?? null,
    given?.personSalt ?? null,
  );
  return changes === 1;
};

export const appendAudit = (tx: Transaction, records: readonly AuditRecord[]): void => {
  for (const record of records) append(tx, record, record, isErased(tx, record.userId));
};

interface Collecting {
  readonly records: readonly AuditRecord[];
  readonly from: AuditOrigin;
  readonly chain?: ChainLink | undefined;
}

export const collectAudit = (tx: Transaction, { records, from, chain }: Collecting): Collected => {
  if (chain !== undefined && appendSealed(tx, records, from, chain)) return { fresh: records.length, sealed: true };
  let fresh = 0;
  for (const record of records) {
    const origin = { ...from, number: from.number + fresh };
    if (append(tx, record, { origin }, isErased(tx, record.userId))) fresh += 1;
  }
  return { fresh, sealed: false };
};

/** All of them, or none. */
const appendSealed = (
  tx: Transaction,
  records: readonly AuditRecord[],
  from: AuditOrigin,
  { expected, seals }: ChainLink,
): boolean => {
  if (!isHead(tx, expected)) return false;
  for (const [index, record] of records.entries()) {
    const origin = { ...from, number: from.number + index };
    if (!isErased(tx, record.userId) && append(tx, record, { origin, seal: seals[index] }, false)) continue;
    tx.undo();
    return false;
  }
  moveHead(tx, seals.at(-1));
  return true;
};

const isHead = (tx: Transaction, expected: ChainHead): boolean => {
  const row = tx.get('SELECT place, hash FROM audit_chain WHERE id = 1');
  return row?.['place'] === expected.place && row['hash'] === expected.hash;
};

const moveHead = (tx: Transaction, last: ChainHead | undefined): void => {
  if (last !== undefined) tx.run('UPDATE audit_chain SET place = ?, hash = ? WHERE id = 1', last.place, last.hash);
};

const headFromRow = (row: SqlRow | undefined): ChainHead => ({
  place: Number(row?.['place']),
  hash: String(row?.['hash']),
});

/** What is personal may have been erased since it was read: a commitment to it would never hold again. */
const seal = `UPDATE audit SET place = ?, hash = ?, person_hash = ?, person_salt = ?
  WHERE effect_id = ? AND place IS NULL AND address IS ? AND user_agent IS ? AND details = ?`;

/** What of a record has to be there still, and what it gets. */
export interface SealedRow {
  readonly effectId: string;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly details: string;
  readonly seal: AuditSeal;
}

export const sealAudit = (
  tx: Transaction,
  { expected, rows }: { readonly expected: ChainHead; readonly rows: readonly SealedRow[] },
): boolean => {
  if (!isHead(tx, expected)) return false;
  for (const { seal: given, effectId, address, userAgent, details } of rows) {
    const { place, hash, personHash, personSalt } = given;
    const read = [uuidToBytes(effectId), address ?? null, userAgent ?? null, details] as const;
    const { changes } = tx.run(seal, place, hash, personHash, personSalt ?? null, ...read);
    if (changes === 1) continue;
    // The places before it go back as well.
    tx.undo();
    return false;
  }
  moveHead(tx, rows.at(-1)?.seal);
  return true;
};

export const leaseSealing = (
  tx: Transaction,
  { holder, ttlMs }: { readonly holder: string; readonly ttlMs: number },
): boolean =>
  tx.run(
    `UPDATE audit_chain SET lease_holder = ?, lease_until_ms = ?
      WHERE id = 1 AND (lease_holder IS ? OR lease_until_ms < ?)`,
    holder,
    tx.nowMs + ttlMs,
    holder,
    tx.nowMs,
  ).changes === 1;

export const appendCheckpoint = (
  tx: Transaction,
  { kind, place, hash, atMs, keyId, signature }: AuditCheckpoint,
): void => {
  tx.run(
    `INSERT INTO audit_checkpoints (kind, place, hash, at_ms, key_id, signature) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
    kind,
    place,
    hash,
    atMs,
    keyId,
    signature,
  );
};

export const cutAudit = (tx: Transaction, checkpoint: AuditCheckpoint): number => {
  tx.run('DELETE FROM audit_checkpoints WHERE place <= ?', checkpoint.place);
  appendCheckpoint(tx, checkpoint);
  return tx.run('DELETE FROM audit WHERE place <= ?', checkpoint.place).changes;
};

/** Looks at the first sealed records, and at no more. */
export const findCut = (
  tx: Transaction,
  { keepMs, limit }: { readonly keepMs: number; readonly limit: number },
): ChainHead | undefined => {
  const first = tx.all('SELECT place, hash, at_ms FROM audit WHERE place IS NOT NULL ORDER BY place LIMIT ?', limit);
  const young = first.findIndex((row) => Number(row['at_ms']) >= tx.nowMs - keepMs);
  const last = young < 0 ? first.at(-1) : first[young - 1];
  return last && headFromRow(last);
};

export const markDelivered = (tx: Transaction, effectIds: readonly string[]): void => {
  for (const id of effectIds)
    tx.run('UPDATE audit SET delivered_at_ms = ? WHERE effect_id = ? AND place IS NULL', tx.nowMs, uuidToBytes(id));
};

export const removeDelivered = (
  tx: Transaction,
  { keepMs, limit }: { readonly keepMs: number; readonly limit: number },
): number =>
  tx.run(
    `DELETE FROM audit WHERE effect_id IN
      (SELECT effect_id FROM audit WHERE delivered_at_ms IS NOT NULL AND delivered_at_ms < ? ORDER BY delivered_at_ms LIMIT ?)`,
    tx.nowMs - keepMs,
    limit,
  ).changes;

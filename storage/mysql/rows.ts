import type { EpochMs, RealmId } from '@sallyport/contract';
import type { AuditCheckpoint, AuditRecord, SealedRecord } from '../contracts/audit.ts';
import type { MySqlRow, MySqlValue } from './link.ts';

/** contracts/edge-gateway.md: what is longer is cut. MySQL counts characters, not UTF-16 units. */
const lengths = { eventType: 50, userId: 128, address: 50, userAgent: 500, requestId: 64 } as const;
/** TEXT holds 65,535 bytes. */
const detailsBytes = 60_000;

const cut = (text: string | undefined, length: number): string | null =>
  text === undefined ? null : Array.from(text.toWellFormed()).slice(0, length).join('');

const details = (text: string): string =>
  Buffer.byteLength(text) > detailsBytes ? JSON.stringify({ cut: true, bytes: Buffer.byteLength(text) }) : text;

/** UTC, as the column says nothing about a zone. */
const dateTime = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');

/** In the order of `insertedColumns`. */
export const insertedValues = (record: AuditRecord): readonly MySqlValue[] => [
  cut(record.eventType, lengths.eventType),
  cut(record.userId, lengths.userId),
  cut(record.address, lengths.address),
  cut(record.userAgent, lengths.userAgent),
  details(record.details),
  dateTime(record.atMs),
  record.effectId,
  record.realmId,
  record.actor,
  record.sessionId ?? null,
  record.deviceId ?? null,
  cut(record.requestId, lengths.requestId),
  record.atMs,
  record.origin?.node ?? null,
  record.origin?.boot ?? null,
  record.origin?.number ?? null,
  record.mac ?? null,
];

export const insertedColumns: readonly string[] =
  `event_type user_id ip_address user_agent details created_at effect_id realm_id actor session_id device_id request_id
  at_ms node boot boot_number mac`.split(/\s+/);

/** For a table whose columns do not take every character: JSON stays the same JSON. */
export const inAscii = (record: AuditRecord): AuditRecord => {
  const plain = (text: string | undefined) => text?.replace(/[^\x20-\x7e]/g, '?');
  const userAgent = plain(record.userAgent);
  const userId = plain(record.userId);
  return {
    ...record,
    ...(userAgent !== undefined && { userAgent }),
    ...(userId !== undefined && { userId }),
    details: record.details.replace(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  };
};

export const recordColumns = insertedColumns.filter((name) => name !== 'created_at').join(', ');
export const sealedColumns = `${recordColumns}, created_at, place, hash, person_hash, person_salt`;

const text = (row: MySqlRow, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
};

export const recordFromRow = (row: MySqlRow): AuditRecord => ({
  effectId: text(row, 'effect_id'),
  realmId: text(row, 'realm_id') as RealmId,
  eventType: text(row, 'event_type'),
  actor: text(row, 'actor'),
  ...optional(row),
  requestId: text(row, 'request_id'),
  details: text(row, 'details'),
  atMs: Number(row['at_ms']) as EpochMs,
  ...(row['boot_number'] !== null && {
    origin: { node: text(row, 'node'), boot: text(row, 'boot'), number: Number(row['boot_number']) },
  }),
});

const optionalColumns = {
  userId: 'user_id',
  sessionId: 'session_id',
  deviceId: 'device_id',
  address: 'ip_address',
  userAgent: 'user_agent',
  mac: 'mac',
} as const;

const optional = (row: MySqlRow): Partial<Record<keyof typeof optionalColumns, string>> =>
  Object.fromEntries(
    Object.entries(optionalColumns)
      .filter(([, column]) => row[column] !== null && row[column] !== undefined)
      .map(([member, column]) => [member, text(row, column)]),
  );

/**
 * The chain covers `at_ms`, and whoever reads the table reads `created_at`: where they do not say the same, the record is what `created_at`
 * says, which is not what was sealed. A column without fractions rounds.
 */
const sealedTime = (row: MySqlRow): EpochMs => {
  const told = Date.parse(`${text(row, 'created_at').replace(' ', 'T')}Z`);
  const sealed = Number(row['at_ms']);
  return (Math.abs(told - sealed) <= 1000 ? sealed : told) as EpochMs;
};

export const sealedFromRow = (row: MySqlRow): SealedRecord => ({
  ...recordFromRow(row),
  atMs: sealedTime(row),
  seal: {
    place: Number(row['place']),
    hash: text(row, 'hash'),
    personHash: text(row, 'person_hash'),
    ...(row['person_salt'] !== null && { personSalt: text(row, 'person_salt') }),
  },
});

export const checkpointFromRow = (row: MySqlRow): AuditCheckpoint => ({
  kind: text(row, 'kind') as AuditCheckpoint['kind'],
  place: Number(row['place']),
  hash: text(row, 'hash'),
  atMs: Number(row['at_ms']) as EpochMs,
  keyId: text(row, 'key_id'),
  signature: text(row, 'signature'),
});

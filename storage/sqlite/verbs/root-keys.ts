import type { EpochMs, SessionId } from '@sallyport/contract';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';
import type {
  RootKeys,
  SealedColumn,
  SealedPage,
  SessionsOfRoot,
  SessionsOfRootPage,
} from '../../contracts/root-keys.ts';
import { columnsOf } from '../../sealed-columns.ts';
import type { Reader } from '../reader.ts';
import type { Transaction } from '../transaction.ts';

/** Key ids are text, all others are UUIDs. */
const keyOf = (column: SealedColumn, id: string): string | Uint8Array =>
  columnsOf[column].key === 'kid' ? id : uuidToBytes(id);
const textOf = (value: unknown): string =>
  value instanceof Uint8Array ? uuidFromBytes(value) : typeof value === 'string' ? value : '';

export const readSealed = async (
  reader: Reader,
  { column: name, after, limit }: Parameters<RootKeys['readSealed']>[0],
): Promise<SealedPage> => {
  const { table, column, key, place } = columnsOf[name];
  const owner = table === 'devices' ? ', realm_id, user_id' : '';
  const from = after === undefined ? (key === 'kid' ? '' : new Uint8Array(0)) : keyOf(name, after);
  const rows = await reader.all(
    `SELECT ${key} AS id, ${column} AS sealed${owner} FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`,
    from,
    limit,
  );
  const values = rows.flatMap(({ sealed, ...row }) => {
    const id = textOf(row['id']);
    const owned = { id, realmId: textOf(row['realm_id']), userId: textOf(row['user_id']) };
    return typeof sealed === 'string' ? [{ id, sealed, place: place(owned) }] : [];
  });
  return { values, last: rows.length < limit ? undefined : textOf(rows.at(-1)?.['id']) };
};

export const replaceSealed = (
  tx: Transaction,
  { column: name, changes }: Parameters<RootKeys['replaceSealed']>[0],
): number => {
  const { table, column, key } = columnsOf[name];
  const replace = `UPDATE ${table} SET ${column} = ? WHERE ${key} = ? AND ${column} = ?`;
  return changes.reduce((sum, { id, from, to }) => sum + tx.run(replace, to, keyOf(name, id), from).changes, 0);
};

const ofRoot = `SELECT id, key_id = ? AND revoked_at_ms IS NULL AND idle_expires_at_ms > ? AND absolute_expires_at_ms > ? AS due
  FROM sessions WHERE id > ? ORDER BY id LIMIT ?`;

export const readSessionsOfRoot = async (
  reader: Reader,
  { keyId, after, limit }: Parameters<RootKeys['readSessionsOfRoot']>[0],
  nowMs: EpochMs,
): Promise<SessionsOfRootPage> => {
  const from = after === undefined ? new Uint8Array(0) : uuidToBytes(after);
  const rows = await reader.all(ofRoot, keyId, nowMs, nowMs, from, limit);
  const sessionIds = rows.filter(({ due }) => due === 1).map(({ id }) => textOf(id) as SessionId);
  return { sessionIds, last: rows.length < limit ? undefined : textOf(rows.at(-1)?.['id']) };
};

/** `v1.<root key>.…` */
const rootOfOrigin = `substr(origin_sealed, 4, instr(substr(origin_sealed, 4), '.') - 1)`;
const bySession = `SELECT kid, count(*) AS sessions, max(until) AS until FROM (
    SELECT id, CAST(key_id AS TEXT) AS kid, absolute_expires_at_ms AS until FROM sessions
      WHERE revoked_at_ms IS NULL AND idle_expires_at_ms > ? AND absolute_expires_at_ms > ?
    UNION SELECT id, ${rootOfOrigin}, absolute_expires_at_ms FROM sessions
      WHERE revoked_at_ms IS NULL AND idle_expires_at_ms > ? AND absolute_expires_at_ms > ?
        AND origin_sealed IS NOT NULL)
  GROUP BY kid ORDER BY kid`;

export const countSessionsByRoot = async (reader: Reader, nowMs: EpochMs): Promise<readonly SessionsOfRoot[]> =>
  (await reader.all(bySession, nowMs, nowMs, nowMs, nowMs)).map((row) => ({
    kid: String(row['kid']),
    sessions: Number(row['sessions']),
    untilMs: Number(row['until']) as EpochMs,
  }));

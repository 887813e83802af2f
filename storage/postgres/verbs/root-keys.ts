import type { EpochMs, SessionId } from '@sallyport/contract';
import type { RootKeys, SealedColumn } from '../../contracts/root-keys.ts';
import { columnsOf } from '../../sealed-columns.ts';
import type { Driver } from '../driver.ts';

const nilUuid = '00000000-0000-0000-0000-000000000000';

export const rootKeys = ({ schema: s, read, write }: Driver): RootKeys => {
  const page = (name: SealedColumn): string => {
    const { table, column, key } = columnsOf[name];
    const owner = table === 'devices' ? ', realm_id, user_id' : '';
    return `SELECT ${key} AS id, ${column} AS sealed${owner} FROM ${s}.${table} WHERE ${key} > $1 ORDER BY ${key} LIMIT $2`;
  };
  // Waits for nobody: a row that is being written is left to the next run. Who has locked it sees the value as it is now.
  const replace = (name: SealedColumn): string => {
    const { table, column, key } = columnsOf[name];
    const type = key === 'kid' ? 'text' : 'uuid';
    return `WITH given AS (SELECT * FROM json_to_recordset($1::json) AS g(id ${type}, "from" text, "to" text)),
      mine AS (SELECT t.${key} AS id, g."from", g."to" FROM ${s}.${table} AS t JOIN given AS g ON t.${key} = g.id
        WHERE t.${column} = g."from" FOR UPDATE OF t SKIP LOCKED)
      UPDATE ${s}.${table} AS t SET ${column} = mine."to" FROM mine
      WHERE t.${key} = mine.id AND t.${column} = mine."from" RETURNING 1`;
  };
  const live = `FROM ${s}.sessions WHERE revoked_at_ms IS NULL
    AND idle_expires_at_ms > (SELECT ${s}.now_ms()) AND absolute_expires_at_ms > (SELECT ${s}.now_ms())`;
  // The value of an origin begins with `v1.<root key>.`
  const bySession = `SELECT kid, count(*) AS sessions, max(until) AS until FROM (
      SELECT id, key_id::text AS kid, absolute_expires_at_ms AS until ${live}
      UNION SELECT id, split_part(origin_sealed, '.', 2), absolute_expires_at_ms ${live} AND origin_sealed IS NOT NULL
    ) AS needed GROUP BY kid ORDER BY kid`;
  const ofRoot = `SELECT id, key_id = $2 AND revoked_at_ms IS NULL
      AND idle_expires_at_ms > (SELECT ${s}.now_ms()) AND absolute_expires_at_ms > (SELECT ${s}.now_ms()) AS due
    FROM ${s}.sessions WHERE id > $1 ORDER BY id LIMIT $3`;
  return {
    readSealed: async ({ column, after, limit }) => {
      const { key, place } = columnsOf[column];
      const rows = await read(page(column), after ?? (key === 'kid' ? '' : nilUuid), limit);
      const values = rows.flatMap(({ sealed, ...row }) => {
        const id = String(row['id']);
        const owned = { id, realmId: String(row['realm_id']), userId: String(row['user_id']) };
        return typeof sealed === 'string' ? [{ id, sealed, place: place(owned) }] : [];
      });
      return { values, last: rows.length < limit ? undefined : String(rows.at(-1)?.['id']) };
    },
    replaceSealed: async ({ column, changes }) =>
      changes.length === 0 ? 0 : (await write(replace(column), changes)).length,
    readSessionsOfRoot: async ({ keyId, after, limit }) => {
      const rows = await read(ofRoot, after ?? nilUuid, keyId, limit);
      const sessionIds = rows.filter(({ due }) => due === true).map(({ id }) => id as SessionId);
      return { sessionIds, last: rows.length < limit ? undefined : String(rows.at(-1)?.['id']) };
    },
    countSessionsByRoot: async () =>
      (await read(bySession)).map((row) => ({
        kid: String(row['kid']),
        sessions: Number(row['sessions']),
        untilMs: Number(row['until']) as EpochMs,
      })),
  };
};

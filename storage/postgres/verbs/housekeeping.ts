import type { SessionId } from '@sallyport/contract';
import type { Erasure, Housekeeping } from '../../contracts/housekeeping.ts';
import { byOf, byValues, type Driver } from '../driver.ts';
import { listed, userColumns, userFromRow } from '../rows.ts';

export const housekeeping = ({ schema: s, sealer, read, write }: Driver): Housekeeping => {
  const sweep = `SELECT removed, last FROM ${s}.remove_expired_sessions($1, $2, $3)`;
  const expired = (table: 'nonces' | 'counters', own: 'nonce' | 'subject'): string => `WITH gone AS (
      DELETE FROM ${s}.${table} WHERE (realm_id, purpose, ${own}) IN (
        SELECT realm_id, purpose, ${own} FROM ${s}.${table} WHERE expires_at_ms <= (SELECT ${s}.now_ms())
        ORDER BY expires_at_ms LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING 1)
    SELECT count(*) AS removed FROM gone`;
  // Effect ids begin with their time (RFC 9562 §5.7): their key finds the old ones.
  const old = `WITH gone AS (
      DELETE FROM ${s}.outbox WHERE effect_id IN (
        SELECT effect_id FROM ${s}.outbox
        WHERE effect_id < (SELECT rpad(lpad(to_hex(greatest(${s}.now_ms() - $1::bigint, 0)), 12, '0'), 32, '0')::uuid)
          AND published_at_ms IS NOT NULL
        ORDER BY effect_id LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1)
    SELECT count(*) AS removed FROM gone`;
  const deadDevices = `WITH gone AS (
      DELETE FROM ${s}.devices WHERE id IN (
        SELECT id FROM ${s}.devices
        WHERE (confirmed_at_ms IS NULL AND created_at_ms <= (SELECT ${s}.now_ms() - $1::bigint))
          OR (revoked_at_ms IS NOT NULL AND revoked_at_ms <= (SELECT ${s}.now_ms() - $2::bigint))
        LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING 1)
    SELECT count(*) AS removed FROM gone`;
  const deleted = (column: 'email_key' | 'username_key'): string => `SELECT ${listed(userColumns)} FROM ${s}.users
    WHERE realm_id = $1 AND ${column} = $2 AND deleted_at_ms IS NOT NULL ORDER BY id`;
  const erase = `SELECT ${s}.erase_user($1, ${byOf(s, 2)}) AS kind`;
  const removed = async (sql: string, ...values: number[]): Promise<number> =>
    Number((await write(sql, ...values))[0]?.['removed']);

  return {
    removeExpiredSessions: async ({ after, keepEndedMs, limit }) => {
      const [row] = await write(sweep, after ?? null, keepEndedMs, limit);
      return { removed: Number(row?.['removed']), last: (row?.['last'] as SessionId | null) ?? undefined };
    },
    removeExpiredNonces: (limit) => removed(expired('nonces', 'nonce'), limit),
    removeIdleCounters: (limit) => removed(expired('counters', 'subject'), limit),
    removeDeadDevices: ({ unconfirmedForMs, revokedForMs, limit }) =>
      removed(deadDevices, unconfirmedForMs, revokedForMs, limit),
    removeOldEvents: ({ keepMs, limit }) => removed(old, keepMs, limit),
    findDeletedUsers: async (realmId, { kind, key }) =>
      (await read(deleted(`${kind}_key`), realmId, key)).map((row) => userFromRow(row, sealer)),
    eraseUser: async (userId, context) => {
      const [row] = await write(erase, userId, ...byValues(context));
      return { kind: row?.['kind'] as Erasure['kind'] };
    },
  };
};

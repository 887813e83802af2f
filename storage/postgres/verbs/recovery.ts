import { defaultRealm } from '@sallyport/contract';
import { type Recovery, restoredEpochStartMs } from '../../contracts/recovery.ts';
import { byOf, byValues, type Driver } from '../driver.ts';

export const recovery = ({ schema: s, revokeAtLeisure }: Driver): Recovery => {
  const mark = `WITH
      clock AS MATERIALIZED (SELECT ${s}.now_ms() AS now),
      ended AS (UPDATE ${s}.sessions SET revoked_at_ms = (SELECT now FROM clock), revoked_cause = 'restored'
        WHERE revoked_at_ms IS NULL RETURNING 1),
      epoch AS (SELECT (((SELECT now FROM clock) - ${restoredEpochStartMs}) / 1000)::integer AS least),
      raised AS (UPDATE ${s}.users SET session_epoch = greatest(session_epoch + 1, (SELECT least FROM epoch)),
        access_epoch = greatest(access_epoch + 1, (SELECT least FROM epoch)) RETURNING 1),
      named AS (UPDATE ${s}.store_meta SET value = $1 WHERE key = 'incarnation' RETURNING 1),
      forgotten AS (DELETE FROM ${s}.store_meta WHERE key LIKE 'companion:%' RETURNING 1),
      counts AS MATERIALIZED (SELECT (SELECT count(*) FROM ended) AS sessions, (SELECT count(*) FROM raised) AS users)
    SELECT sessions, users, ${s}.append_effect('store.restored', $2, NULL, NULL,
      json_build_object('sessions', sessions, 'users', users), ${byOf(s, 3)}) AS effect FROM counts`;
  return {
    markRestored: async ({ incarnation, context }) => {
      const [row] = await revokeAtLeisure(mark, incarnation, defaultRealm, ...byValues(context));
      return { sessions: Number(row?.['sessions']), users: Number(row?.['users']) };
    },
  };
};

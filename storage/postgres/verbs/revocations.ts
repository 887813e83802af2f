import type { EpochMs, SessionId } from '@sallyport/contract';
import type { Companions } from '../../contracts/companions.ts';
import type { Revocations } from '../../contracts/revocations.ts';
import type { EndCause } from '../../contracts/sessions.ts';
import { byOf, byValues, type Driver } from '../driver.ts';
import { listed, revocationColumns, revocationFromRow } from '../rows.ts';

export const revocations = (
  { schema: s, lifetimeMs, read, revoke }: Driver,
  onWrite: Revocations['onWrite'],
): Revocations => {
  const columns = listed(revocationColumns);
  const page = `SELECT ${columns} FROM ${s}.revocations WHERE position > $1 ORDER BY position LIMIT $2`;
  const livePage = `SELECT ${columns} FROM ${s}.revocations WHERE position > $1 AND expires_at_ms > ${s}.now_ms()
    ORDER BY position LIMIT $2`;
  const last = `SELECT position FROM ${s}.revocation_head`;
  // The time is asked once: an index can be used.
  const count = `SELECT (SELECT count(*) FROM ${s}.revocations WHERE expires_at_ms > t.now) AS live,
    (SELECT count(*) FROM ${s}.revocations WHERE expires_at_ms <= t.now) AS expired
    FROM (SELECT ${s}.now_ms() AS now OFFSET 0) t`;
  const tidy = `SELECT expired, folded, users FROM ${s}.tidy_revocations($1, $2)`;
  const incarnation = `SELECT value FROM ${s}.store_meta WHERE key = 'incarnation'`;
  const record = `SELECT r AS id FROM ${s}.record_session_ends($5, ${byOf(s, 1)}, $6) r`;
  const findEnds = `SELECT session_id, cause, at_ms FROM ${s}.ended_sessions
    WHERE session_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))`;
  return {
    readRevocations: async (afterPosition, limit) => (await read(page, afterPosition, limit)).map(revocationFromRow),
    readLiveRevocations: async (afterPosition, limit) =>
      (await read(livePage, afterPosition, limit)).map(revocationFromRow),
    lastRevocationPosition: async () => Number((await read(last))[0]?.['position']),
    countRevocations: async () => {
      const [row] = await read(count);
      return { live: Number(row?.['live']), expired: Number(row?.['expired']) };
    },
    tidyRevocations: async (maxEntries) => {
      const [row] = await revoke(tidy, maxEntries, lifetimeMs);
      return { expired: Number(row?.['expired']), folded: Number(row?.['folded']), users: Number(row?.['users']) };
    },
    onWrite,
    storeIncarnation: async () => String((await read(incarnation))[0]?.['value']),
    recordSessionEnds: async (ends, context) => {
      if (ends.length === 0) return [];
      return (await revoke(record, ...byValues(context), ends, lifetimeMs)).map(({ id }) => id as SessionId);
    },
    findSessionEnds: async (sessionIds) => {
      if (sessionIds.length === 0) return new Map();
      const found = await read(findEnds, sessionIds);
      return new Map(
        found.map((row) => [
          row['session_id'] as SessionId,
          { cause: row['cause'] as EndCause, atMs: row['at_ms'] as EpochMs },
        ]),
      );
    },
  };
};

export const companions = ({ schema: s, read, write }: Driver): Companions => {
  const note = `SELECT ${s}.note_incarnation($1, $2) AS before`;
  const has = `SELECT 1 AS one FROM ${s}.store_meta WHERE key = 'companion:' || $1`;
  return {
    noteIncarnation: async (companion, incarnation) =>
      ((await write(note, companion, incarnation))[0]?.['before'] as string | null | undefined) ?? undefined,
    hasCompanion: async (companion) => (await read(has, companion)).length > 0,
  };
};

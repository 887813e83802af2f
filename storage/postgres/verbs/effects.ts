import type { EpochMs } from '@sallyport/contract';
import type { Effects } from '../../contracts/effects.ts';
import type { Driver } from '../driver.ts';
import { effectColumns, effectFromRow, listed } from '../rows.ts';

export const effects = ({ schema: s, read, write }: Driver): Effects => {
  const append = `SELECT ${s}.append_effects($1)`;
  // What the oldest open transaction wrote, and all after it, waits: whatever is read now stays in front of whatever is read later, and
  // what has been removed is not walked through again (ADR 0020).
  const page = `SELECT e.xid, e.seq, ${listed(effectColumns, 'e.')} FROM ${s}.effects e, ${s}.effects_trimmed t
    WHERE (e.xid, e.seq) > (t.xid, t.seq) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid, e.seq LIMIT $1`;
  // One statement, so one moment: whatever was committed before it is in the page or in the rest. A verb ends within its limit of a second,
  // so whoever is among the first in this order is not far from the first in time.
  const pageAndRest = `WITH page AS (${page}), last AS (SELECT xid, seq FROM page ORDER BY xid DESC, seq DESC LIMIT 1)
    SELECT p.*, r.since FROM (
      SELECT min(f.at_ms) AS since FROM (
        SELECT e.at_ms FROM ${s}.effects e, ${s}.effects_trimmed t
        WHERE (e.xid, e.seq) > (coalesce((SELECT xid FROM last), t.xid), coalesce((SELECT seq FROM last), t.seq))
        ORDER BY e.xid, e.seq LIMIT 2000) f) r
    LEFT JOIN page p ON true ORDER BY p.xid, p.seq`;
  const remove = `SELECT ${s}.remove_effects($1)`;
  return {
    appendEffects: async (drafts) => {
      const flat = drafts.map(({ context, ...draft }) => ({ ...draft, ...context }));
      await write(append, flat);
    },
    readEffects: async (limit) => (await read(page, limit)).map(effectFromRow),
    readEffectsPage: async (limit) => {
      const rows = await read(pageAndRest, limit);
      const since = rows[0]?.['since'];
      const found = rows.filter((row) => row['id'] !== null).map(effectFromRow);
      return typeof since === 'number' ? { effects: found, restSinceMs: since as EpochMs } : { effects: found };
    },
    removeEffects: async (drained) => {
      await write(
        remove,
        drained.map(({ position }) => position.split(' ')),
      );
    },
  };
};

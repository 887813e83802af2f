import type { Effects } from '../../contracts/effects.ts';
import type { Outbox } from '../../contracts/outbox.ts';
import type { Driver } from '../driver.ts';
import { effectColumns, effectFromRow, eventColumns, eventFromRow, listed } from '../rows.ts';

export const effects = ({ schema: s, read, write }: Driver): Effects => {
  const append = `SELECT ${s}.append_effects($1)`;
  // What the oldest open transaction wrote, and all after it, waits: whatever is read now stays in front of whatever is read later, and
  // what has been removed is not walked through again (ADR 0020).
  const page = `SELECT e.xid, e.seq, ${listed(effectColumns, 'e.')} FROM ${s}.effects e, ${s}.effects_trimmed t
    WHERE (e.xid, e.seq) > (t.xid, t.seq) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.xid, e.seq LIMIT $1`;
  const remove = `SELECT ${s}.remove_effects($1)`;
  return {
    appendEffects: async (drafts) => {
      const flat = drafts.map(({ context, ...draft }) => ({ ...draft, ...context }));
      await write(append, flat);
    },
    readEffects: async (limit) => (await read(page, limit)).map(effectFromRow),
    removeEffects: async (drained) => {
      await write(
        remove,
        drained.map(({ position }) => position.split(' ')),
      );
    },
  };
};

export const outbox = ({ schema: s, read, write }: Driver): Outbox => {
  const append = `SELECT ${s}.append_events($1)`;
  const page = `SELECT ${listed(eventColumns)} FROM ${s}.outbox WHERE position > $1 ORDER BY position LIMIT $2`;
  return {
    appendEvents: async (events) => {
      await write(append, events);
    },
    readEvents: async (afterPosition, limit) => (await read(page, afterPosition, limit)).map(eventFromRow),
  };
};

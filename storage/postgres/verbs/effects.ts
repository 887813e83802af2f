import type { Audit } from '../../contracts/audit.ts';
import type { Effects } from '../../contracts/effects.ts';
import type { Driver } from '../driver.ts';
import { auditColumns, auditFromRow, effectColumns, effectFromRow, listed } from '../rows.ts';

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

export const audit = ({ schema: s, read, write }: Driver): Audit => {
  const columns = listed(auditColumns);
  const append = `SELECT ${s}.append_audit($1)`;
  const list = `SELECT ${columns} FROM ${s}.audit
    WHERE realm_id = $1 AND ($2::text IS NULL OR user_id = $2) AND ($3::text IS NULL OR event_type = $3)
    ORDER BY effect_id DESC LIMIT $4`;
  return {
    appendAudit: async (records) => {
      await write(append, records);
    },
    listAudit: async ({ realmId, userId, eventType, limit }) =>
      (await read(list, realmId, userId ?? null, eventType ?? null, limit)).map(auditFromRow),
  };
};

import type { Audit } from '../../contracts/audit.ts';
import type { Effects } from '../../contracts/effects.ts';
import type { Outbox } from '../../contracts/outbox.ts';
import type { Driver } from '../driver.ts';
import {
  auditColumns,
  auditFromRow,
  effectColumns,
  effectFromRow,
  eventColumns,
  eventFromRow,
  listed,
} from '../rows.ts';

export const effects = ({ schema: s, read, write }: Driver): Effects => {
  const append = `SELECT ${s}.append_effects($1)`;
  // One statement, one snapshot: the count of what was trimmed and the rows behind it fit each other. The rows of the oldest open
  // transaction, and of all after it, wait: whatever is read now stays in front of whatever is read later (ADR 0020).
  const page = `SELECT t.position AS trimmed, e.*
    FROM ${s}.effects_trimmed t LEFT JOIN LATERAL (
      SELECT ${listed(effectColumns)} FROM ${s}.effects
      WHERE (xid, seq) > (t.xid, t.seq) AND xid < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY xid, seq OFFSET greatest($1::bigint - t.position, 0) LIMIT $2) e ON true`;
  const trim = `SELECT ${s}.trim_effects($1)`;
  return {
    appendEffects: async (drafts) => {
      const flat = drafts.map(({ context, ...draft }) => ({ ...draft, ...context }));
      await write(append, flat);
    },
    readEffects: async (afterPosition, limit) => {
      const found = await read(page, afterPosition, limit);
      const first = Math.max(Number(found[0]?.['trimmed']), afterPosition) + 1;
      return found.filter((row) => row['id'] !== null).map((row, index) => effectFromRow(row, first + index));
    },
    trimEffects: async (upToPosition) => {
      await write(trim, upToPosition);
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

import {
  type Audit,
  type AuditRecord,
  type ChainHead,
  erasureEventType,
  type SealedRecord,
} from '../contracts/audit.ts';
import { firstIdAround } from '../contracts/audit-ids.ts';
import { isAboutValues, type Link, type MySqlRow, type MySqlValue, type Speaker } from './link.ts';
import {
  checkpointFromRow,
  inAscii,
  insertedColumns,
  insertedValues,
  recordColumns,
  recordFromRow,
  sealedColumns,
  sealedFromRow,
} from './rows.ts';

/** Rows of one statement: few texts, so that the server keeps few prepared ones. */
const chunkSizes = [100, 10, 1] as const;
const nowMs = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';

/** The largest step that the lease may cover: 500 rows, each with a round trip of its own. */
const sealLimitMs = 20_000;

/** Whoever wants more is no request and no sealer. */
const pageRows = 1000;

const chunksOf = <T>(all: readonly T[]): readonly (readonly T[])[] => {
  const chunks: (readonly T[])[] = [];
  for (let from = 0; from < all.length; ) {
    const size = chunkSizes.find((each) => each <= all.length - from) ?? 1;
    chunks.push(all.slice(from, from + size));
    from += size;
  }
  return chunks;
};

const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');

/** A text with a number in it instead of a place for one: MySQL refuses what the library sends for LIMIT. */
const limited = (limit: number): string => `LIMIT ${Math.max(0, Math.trunc(limit))}`;

export const audit = (link: Link): Audit => ({
  appendAudit: async (records) => {
    if (records.length === 0) return;
    await link.run(async (speaker) => {
      const erased = await erasedAmong(speaker, records);
      for (const chunk of chunksOf(records))
        await insert(
          speaker,
          chunk.map((record) => stripped(record, erased)),
        );
      for (const { eventType, userId } of records)
        if (eventType === erasureEventType && userId !== undefined) await erase(speaker, userId);
    });
  },
  listAudit: async (filter) => {
    const conditions: (readonly [string, MySqlValue | undefined])[] = [
      ['realm_id = ?', filter.realmId],
      ['user_id = ?', filter.userId],
      ['event_type = ?', filter.eventType],
      ['ip_address = ?', filter.address],
      ['at_ms >= ?', filter.sinceMs],
      ['at_ms < ?', filter.untilMs],
      ['effect_id >= ?', filter.sinceMs === undefined ? undefined : firstIdAround(filter.sinceMs)],
      ['effect_id < ?', filter.before],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const sql = `SELECT ${recordColumns} FROM audit_logs WHERE effect_id IS NOT NULL
      AND ${given.map(([condition]) => condition).join(' AND ')} ORDER BY effect_id DESC ${limited(filter.limit)}`;
    const rows = await link.run(
      (speaker) =>
        speaker.rows(
          sql,
          given.map(([, value]) => value ?? null),
        ),
      sealLimitMs,
    );
    return rows.map(recordFromRow);
  },
  readUnsealed: async (limit) => {
    const sql = `SELECT ${recordColumns} FROM audit_logs FORCE INDEX (sallyport_open)
      WHERE place IS NULL AND effect_id > '' ORDER BY effect_id ${limited(limit)}`;
    return (await link.run((speaker) => speaker.rows(sql), limit > pageRows ? sealLimitMs : undefined)).map(
      recordFromRow,
    );
  },
  readChainHead: () => link.run((speaker) => readHead(speaker, '')),
  sealAudit: (expected, records) =>
    link
      .transact(async (speaker) => {
        const head = await readHead(speaker, 'FOR UPDATE');
        if (head.place !== expected.place || head.hash !== expected.hash) return false;
        for (const record of records) if (!(await seal(speaker, record))) throw new Changed();
        const last = records.at(-1)?.seal;
        if (last !== undefined)
          await speaker.write('UPDATE audit_log_chain SET place = ?, hash = ? WHERE id = 1', [last.place, last.hash]);
        return true;
      }, sealLimitMs)
      .catch((error: unknown) => {
        if (error instanceof Changed) return false;
        throw error;
      }),
  readSealed: async (afterPlace, limit) => {
    const sql = `SELECT ${sealedColumns} FROM audit_logs WHERE place > ? ORDER BY place ${limited(limit)}`;
    return (await link.run((speaker) => speaker.rows(sql, [afterPlace]), sealLimitMs)).map(sealedFromRow);
  },
  leaseSealing: async ({ holder, ttlMs }) => {
    const sql = `UPDATE audit_log_chain SET lease_until_ms = ${nowMs} + ?, lease_holder = ?
      WHERE id = 1 AND (lease_holder = ? OR lease_until_ms < ${nowMs})`;
    return (await link.run((speaker) => speaker.write(sql, [ttlMs, holder, holder]))) === 1;
  },
  appendCheckpoint: async ({ kind, place, hash, atMs, keyId, signature }) => {
    await link.run((speaker) => speaker.write(putCheckpoint, [kind, place, hash, atMs, keyId, signature]));
  },
  listCheckpoints: async ({ kind, afterPlace, limit }) => {
    const sql = `SELECT * FROM audit_log_checkpoints WHERE kind = ? AND place > ? ORDER BY place ${limited(limit)}`;
    return (await link.run((speaker) => speaker.rows(sql, [kind, afterPlace]))).map(checkpointFromRow);
  },
  findCut: async ({ keepMs, limit }) => {
    const sql = `SELECT place, hash, at_ms < ${nowMs} - ? AS old FROM audit_logs WHERE place IS NOT NULL ORDER BY place ${limited(limit)}`;
    const rows = await link.run((speaker) => speaker.rows(sql, [keepMs]));
    const young = rows.findIndex((row) => Number(row['old']) === 0);
    const last = young < 0 ? rows.at(-1) : rows[young - 1];
    return last && headFromRow(last);
  },
  cutAudit: ({ kind, place, hash, atMs, keyId, signature }) =>
    link.transact(async (speaker) => {
      await speaker.write('DELETE FROM audit_log_checkpoints WHERE place <= ?', [place]);
      await speaker.write(putCheckpoint, [kind, place, hash, atMs, keyId, signature]);
      return speaker.write('DELETE FROM audit_logs WHERE place <= ?', [place]);
    }, sealLimitMs),
});

const putCheckpoint = `INSERT INTO audit_log_checkpoints (kind, place, hash, at_ms, key_id, signature)
  VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE place = place`;

class Changed extends Error {}

const headFromRow = (row: MySqlRow | undefined): ChainHead => ({
  place: Number(row?.['place']),
  hash: String(row?.['hash']),
});

const readHead = async (speaker: Speaker, lock: '' | 'FOR UPDATE'): Promise<ChainHead> => {
  const [row] = await speaker.rows(`SELECT place, hash FROM audit_log_chain WHERE id = 1 ${lock}`);
  return headFromRow(row);
};

/** What is personal may have been erased since it was read: a commitment to it would never hold again. */
const seal = async (speaker: Speaker, { seal: given, ...record }: SealedRecord): Promise<boolean> => {
  const changed = await speaker.write(
    `UPDATE audit_logs SET place = ?, hash = ?, person_hash = ?, person_salt = ?
      WHERE effect_id = ? AND place IS NULL AND ip_address <=> ? AND user_agent <=> ? AND CAST(details AS CHAR) <=> ?`,
    [
      given.place,
      given.hash,
      given.personHash,
      given.personSalt ?? null,
      record.effectId,
      record.address ?? null,
      record.userAgent ?? null,
      record.details,
    ],
  );
  return changed === 1;
};

/** Not IGNORE, which would cut values and swallow other errors as well. */
const insertText = (rows: number): string =>
  `INSERT INTO audit_logs (${insertedColumns.join(', ')}) VALUES ${Array.from({ length: rows }, () => `(${marks(insertedColumns.length)})`).join(', ')}
  ON DUPLICATE KEY UPDATE effect_id = audit_logs.effect_id`;

const insert = async (speaker: Speaker, records: readonly AuditRecord[]): Promise<void> => {
  try {
    await speaker.write(insertText(records.length), records.flatMap(insertedValues));
  } catch (error) {
    if (!isAboutValues(error)) throw error;
    // One row that does not fit would keep all others waiting behind it for ever.
    for (const record of records) await insertAlone(speaker, record);
  }
};

const insertAlone = async (speaker: Speaker, record: AuditRecord): Promise<void> => {
  try {
    await speaker.write(insertText(1), insertedValues(record));
  } catch (error) {
    if (!isAboutValues(error)) throw error;
    await speaker.write(insertText(1), insertedValues(inAscii(record)));
  }
};

/** A record of a person may arrive after the one of his erasure. */
const erasedAmong = async (speaker: Speaker, records: readonly AuditRecord[]): Promise<ReadonlySet<string>> => {
  const ids = [...new Set(records.flatMap(({ userId }) => userId ?? []))];
  const erased = new Set<string>();
  for (const chunk of chunksOf(ids)) {
    const sql = `SELECT DISTINCT user_id FROM audit_logs WHERE event_type = ? AND user_id IN (${marks(chunk.length)})`;
    for (const row of await speaker.rows(sql, [erasureEventType, ...chunk])) erased.add(String(row['user_id']));
  }
  return erased;
};

const stripped = (record: AuditRecord, erased: ReadonlySet<string>): AuditRecord => {
  if (record.userId === undefined || !erased.has(record.userId)) return record;
  const { address: _address, userAgent: _userAgent, ...rest } = record;
  const { email: _email, name: _name, ...kept } = JSON.parse(record.details) as Readonly<Record<string, unknown>>;
  return { ...rest, details: JSON.stringify(kept) };
};

const erase = (speaker: Speaker, userId: string): Promise<number> =>
  speaker.write(
    `UPDATE audit_logs SET ip_address = NULL, user_agent = NULL, person_salt = NULL, details = JSON_REMOVE(details, '$.email', '$.name')
      WHERE user_id = ? AND effect_id IS NOT NULL`,
    [userId],
  );

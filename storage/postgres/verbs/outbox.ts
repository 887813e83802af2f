import { mostCounted, type Outbox, type PartitionState, partitionCount } from '../../contracts/outbox.ts';
import type { Driver } from '../driver.ts';
import { eventColumns, eventFromRow, listed, storedEventColumns, storedEventFromRow } from '../rows.ts';

/** `heard`: calls back when a process, this one included, has appended events. */
export const outbox = ({ schema: s, read, write }: Driver, heard: (wake: () => void) => () => void): Outbox => {
  const append = `SELECT ${s}.append_events($1)`;
  const list = `SELECT ${listed(storedEventColumns, 'o.')}, ${s}.event_state(o.published_at_ms, o.dead_at_ms) AS state
    FROM ${s}.outbox o WHERE o.position > $1 AND ${s}.event_fits(o, $2) ORDER BY o.position LIMIT $3`;
  const pendingState = 'o.published_at_ms IS NULL AND o.dead_at_ms IS NULL';
  const partitions = `SELECT p.partition, l.holder, greatest(coalesce(l.until_ms, 0) - ${s}.now_ms(), 0) AS held_for_ms,
      EXISTS (SELECT 1 FROM ${s}.outbox o WHERE o.partition = p.partition AND ${pendingState}) AS pending
    FROM generate_series(0, ${partitionCount - 1}) AS p(partition)
    LEFT JOIN ${s}.outbox_leases l ON l.partition = p.partition`;
  const claim = `SELECT claimed, its_fence FROM ${s}.claim_partitions($1, $2, $3)`;
  const page = `SELECT ${listed(eventColumns, 'e.')}, e.partition, e.tries
    FROM jsonb_array_elements_text($1) AS p(partition) CROSS JOIN LATERAL (
      SELECT o.* FROM ${s}.outbox o
      WHERE o.partition = p.partition::integer AND ${pendingState} AND NOT EXISTS (
        SELECT 1 FROM ${s}.outbox w
        WHERE w.key = o.key AND w.retry_at_ms > (SELECT ${s}.now_ms()) AND w.position <= o.position)
      ORDER BY o.position LIMIT $2) e
    ORDER BY e.position`;
  const settle = `SELECT ${s}.settle_events($1) AS settled`;
  const replay = `SELECT ${s}.replay_events($1) AS replayed`;
  const figures = `SELECT
      (SELECT count(*) FROM (SELECT 1 FROM ${s}.outbox o WHERE ${pendingState} LIMIT ${mostCounted}) c) AS pending,
      (SELECT count(*) FROM (SELECT 1 FROM ${s}.outbox o WHERE o.dead_at_ms IS NOT NULL LIMIT ${mostCounted}) c) AS dead,
      (SELECT coalesce(greatest(${s}.now_ms() - min(f.at_ms), 0), 0)
        FROM generate_series(0, ${partitionCount - 1}) AS p(partition) CROSS JOIN LATERAL (
          SELECT o.at_ms FROM ${s}.outbox o WHERE o.partition = p.partition AND ${pendingState}
          ORDER BY o.position LIMIT 1) f) AS oldest_pending_ms`;
  return {
    appendEvents: async (events) => {
      await write(append, events);
    },
    listEvents: async ({ after = 0, limit, ...filter }) =>
      (await read(list, after, filter, limit)).map(storedEventFromRow),
    onAppend: heard,
    readPartitions: async () =>
      (await read(partitions))
        .map((row): PartitionState => {
          const heldForMs = Number(row['held_for_ms']);
          return {
            partition: Number(row['partition']),
            pending: row['pending'] === true,
            heldForMs,
            ...(heldForMs > 0 && { holder: String(row['holder']) }),
          };
        })
        .filter(({ pending, heldForMs }) => pending || heldForMs > 0),
    claimPartitions: async ({ holder, partitions: wanted, leaseMs }) =>
      (await write(claim, holder, wanted, leaseMs)).map((row) => ({
        partition: Number(row['claimed']),
        fence: Number(row['its_fence']),
      })),
    readPending: async ({ partitions: wanted, limitEach }) =>
      (await read(page, wanted, limitEach)).map((row) => ({
        ...eventFromRow(row),
        partition: Number(row['partition']),
        tries: Number(row['tries']),
      })),
    settleEvents: async ({ lease, ...settlement }) => {
      const [row] = await write(settle, { ...lease, ...settlement });
      return row?.['settled'] === true;
    },
    replayEvents: async (effectIds) => Number((await write(replay, effectIds))[0]?.['replayed']),
    countEvents: async () => {
      const [row] = await read(figures);
      return {
        pending: Number(row?.['pending']),
        dead: Number(row?.['dead']),
        oldestPendingMs: Number(row?.['oldest_pending_ms']),
      };
    },
  };
};

/** The outbox of the SQLite driver: writes are verbs of the writer thread, reads happen here. Another process is not heard of: relays poll. */
import { mostCounted, type Outbox, type PartitionState, partitionCount } from '../contracts/outbox.ts';
import type { Reader } from './reader.ts';
import { eventFromRow, storedEventFromRow } from './rows.ts';
import { fits, pendingState } from './verbs/outbox.ts';
import type { WriteQueue } from './write-queue.ts';

export interface SqliteOutboxParts {
  readonly queue: WriteQueue;
  readonly reader: Reader;
  nowMs(): number;
}

const list = `SELECT * FROM outbox WHERE ${fits} AND position > ?2 ORDER BY position LIMIT ?3`;

const everyPartition = JSON.stringify(Array.from({ length: partitionCount }, (_, partition) => partition));
const partitions = `SELECT p.value AS partition, l.holder, coalesce(l.until_ms, 0) AS until_ms,
    EXISTS (SELECT 1 FROM outbox WHERE partition = p.value AND ${pendingState}) AS pending
  FROM json_each('${everyPartition}') p LEFT JOIN outbox_leases l ON l.partition = p.value`;

/** What is refused and waits, and all that comes after it under its key, is left for later. */
const due = `${pendingState} AND NOT EXISTS (
  SELECT 1 FROM outbox w WHERE w.key = o.key AND w.retry_at_ms > ?2 AND w.position <= o.position)`;
const pendingEvents = `SELECT o.* , o.partition AS partition FROM json_each(?1) p JOIN outbox o ON o.position IN (
    SELECT o.position FROM outbox o WHERE o.partition = p.value AND ${due} ORDER BY o.position LIMIT ?3)
  ORDER BY o.position`;

const figures = `SELECT
    (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE ${pendingState} LIMIT ${mostCounted})) AS pending,
    (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE dead_at_ms IS NOT NULL LIMIT ${mostCounted})) AS dead,
    (SELECT min((SELECT at_ms FROM outbox WHERE partition = p.value AND ${pendingState} ORDER BY position LIMIT 1))
      FROM json_each('${everyPartition}') p) AS oldest_ms`;

export const sqliteOutbox = ({ queue, reader, nowMs }: SqliteOutboxParts): Outbox => {
  const wakes = new Set<() => void>();
  const wake = (): void => {
    for (const each of wakes) each();
  };
  return {
    appendEvents: async (events) => {
      await queue.call('appendEvents', events);
      wake();
    },
    listEvents: async ({ after = 0, limit, ...filter }) =>
      (await reader.all(list, JSON.stringify(filter), after, limit)).map(storedEventFromRow),
    onAppend: (each) => {
      wakes.add(each);
      return () => void wakes.delete(each);
    },
    readPartitions: async () => {
      const now = nowMs();
      const found = await reader.all(partitions);
      return found
        .map((row): PartitionState => {
          const heldForMs = Math.max(0, Number(row['until_ms']) - now);
          return {
            partition: Number(row['partition']),
            pending: row['pending'] === 1,
            heldForMs,
            ...(heldForMs > 0 && { holder: String(row['holder']) }),
          };
        })
        .filter(({ pending, heldForMs }) => pending || heldForMs > 0);
    },
    claimPartitions: (input) => queue.call('claimPartitions', input),
    readPending: async ({ partitions: wanted, limitEach }) => {
      const found = await reader.all(pendingEvents, JSON.stringify(wanted), nowMs(), limitEach);
      return found.map((row) => ({
        ...eventFromRow(row),
        partition: Number(row['partition']),
        tries: Number(row['tries']),
      }));
    },
    settleEvents: (settlement) => queue.call('settleEvents', settlement),
    replayEvents: async (effectIds) => {
      const replayed = await queue.call('replayEvents', effectIds);
      if (replayed > 0) wake();
      return replayed;
    },
    countEvents: async () => {
      const row = await reader.get(figures);
      const oldest = row?.['oldest_ms'];
      return {
        pending: Number(row?.['pending']),
        dead: Number(row?.['dead']),
        oldestPendingMs: typeof oldest === 'number' ? Math.max(0, nowMs() - oldest) : 0,
      };
    },
  };
};

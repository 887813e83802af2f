import type { Revocations } from '../contracts/revocations.ts';
import type { Driver } from './driver.ts';
import * as rows from './rows.ts';

export const revocations = ({ queue, reader, lifetimeMs, nowMs }: Driver): Revocations => ({
  readRevocations: async (afterPosition, limit) => {
    const found = await reader.all(
      'SELECT * FROM revocations WHERE position > ? ORDER BY position LIMIT ?',
      afterPosition,
      limit,
    );
    return found.map(rows.revocationFromRow);
  },
  readLiveRevocations: async (afterPosition, limit) => {
    const found = await reader.all(
      'SELECT * FROM revocations WHERE position > ? AND expires_at_ms > ? ORDER BY position LIMIT ?',
      afterPosition,
      nowMs(),
      limit,
    );
    return found.map(rows.revocationFromRow);
  },
  lastRevocationPosition: async () => {
    // The table may have been cleaned; AUTOINCREMENT's own count stays.
    const row = await reader.get("SELECT seq FROM sqlite_sequence WHERE name = 'revocations'");
    return Number(row?.['seq'] ?? 0);
  },
  countRevocations: async () => {
    const now = nowMs();
    const counted = await reader.get(
      `SELECT (SELECT COUNT(*) FROM revocations WHERE expires_at_ms > ?) AS live,
        (SELECT COUNT(*) FROM revocations WHERE expires_at_ms <= ?) AS expired`,
      now,
      now,
    );
    return { live: Number(counted?.['live']), expired: Number(counted?.['expired']) };
  },
  tidyRevocations: (maxEntries) => queue.call('tidyRevocations', { maxEntries, lifetimeMs }),
  onWrite: (wake) => queue.onBatch(wake),
  storeIncarnation: async () => {
    const row = await reader.get("SELECT value FROM store_meta WHERE key = 'incarnation'");
    return String(row?.['value']);
  },
  recordSessionEnds: async (ends, context) =>
    ends.length === 0 ? [] : queue.call('recordSessionEnds', { ends, context, lifetimeMs }),
  findSessionEnds: async (sessionIds) => {
    const found = await reader.all(
      'SELECT * FROM ended_sessions WHERE session_id IN (SELECT unhex(value) FROM json_each(?))',
      JSON.stringify(sessionIds.map((id) => id.replaceAll('-', ''))),
    );
    return new Map(found.map(rows.sessionEndFromRow));
  },
});

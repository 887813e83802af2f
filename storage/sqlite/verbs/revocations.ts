import type { RealmId } from '@sallyport/contract';
import { uuidFromBytes } from '@sallyport/kit/random';
import type { RevocationSubject } from '../../contracts/revocations.ts';
import type { SqlRow, Transaction } from '../transaction.ts';

const insert = `INSERT INTO revocations (realm_id, kind, subject, minimum_epoch, cause, at_ms, expires_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** `lifetimeMs`: the longest access lifetime and the leeway; after that no token is left that the entry could refuse. */
export const appendRevocation = (
  tx: Transaction,
  entry: {
    readonly realmId: RealmId;
    readonly subject: RevocationSubject;
    readonly cause: string;
    readonly lifetimeMs: number;
  },
): void => {
  const [subject, epoch] = subjectColumns(entry.subject);
  tx.run(insert, entry.realmId, entry.subject.kind, subject, epoch, entry.cause, tx.nowMs, tx.nowMs + entry.lifetimeMs);
};

const subjectColumns = (subject: RevocationSubject): [string, number | null] => {
  switch (subject.kind) {
    case 'session':
      return [subject.sessionId, null];
    case 'user':
      return [subject.userId, subject.minimumEpoch];
    case 'key':
      return [subject.kid, null];
  }
};

/** Bounds on what one call may hold the writer for. */
const expiredPerCall = 20_000;
const sessionsPerCall = 20_000;

/** Whose session it was stands in its row, or where the rows are kept elsewhere in the record of its end. */
const foldable = `SELECT r.position AS position, coalesce(s.user_id, e.user_id) AS user_id
  FROM (SELECT position, unhex(replace(subject, '-', '')) AS session_id FROM revocations
    WHERE kind = 'session' AND expires_at_ms > ? ORDER BY position LIMIT ?) r
  LEFT JOIN sessions s ON s.id = r.session_id LEFT JOIN ended_sessions e ON e.session_id = r.session_id
  WHERE coalesce(s.user_id, e.user_id) IS NOT NULL ORDER BY r.position`;
const raiseEpoch = 'UPDATE users SET access_epoch = access_epoch + 1 WHERE id = ? RETURNING id, realm_id, access_epoch';

const byUser = (found: readonly SqlRow[]): readonly (readonly SqlRow[])[] => {
  const groups = Map.groupBy(found, (row) => uuidFromBytes(row['user_id'] as Uint8Array));
  return [...groups.values()].filter(({ length }) => length > 1).sort((a, b) => b.length - a.length);
};

/** Undefined: there is no such user any more; the entries stay until they expire. */
const foldUser = (tx: Transaction, entries: readonly SqlRow[], lifetimeMs: number): number | undefined => {
  const user = tx.get(raiseEpoch, entries[0]?.['user_id'] as Uint8Array);
  if (user === undefined) return undefined;
  for (const { position } of entries) tx.run('DELETE FROM revocations WHERE position = ?', Number(position));
  const userId = uuidFromBytes(user['id'] as Uint8Array);
  const subject = { kind: 'user', userId, minimumEpoch: Number(user['access_epoch']) } as const;
  appendRevocation(tx, { realmId: user['realm_id'] as RealmId, subject, cause: 'folded', lifetimeMs });
  return entries.length;
};

export const tidyRevocations = (
  tx: Transaction,
  { maxEntries, lifetimeMs }: { readonly maxEntries: number; readonly lifetimeMs: number },
): { readonly expired: number; readonly folded: number; readonly users: number } => {
  const { changes: expired } = tx.run(
    'DELETE FROM revocations WHERE position IN (SELECT position FROM revocations WHERE expires_at_ms <= ? LIMIT ?)',
    tx.nowMs,
    expiredPerCall,
  );
  tx.run(
    'DELETE FROM ended_sessions WHERE session_id IN (SELECT session_id FROM ended_sessions WHERE keep_until_ms <= ? LIMIT ?)',
    tx.nowMs,
    expiredPerCall,
  );
  const row = tx.get('SELECT COUNT(*) AS live FROM revocations WHERE expires_at_ms > ?', tx.nowMs);
  let live = Number(row?.['live']);
  const counts = { expired, folded: 0, users: 0 };
  if (live <= maxEntries) return counts;
  for (const entries of byUser(tx.all(foldable, tx.nowMs, sessionsPerCall))) {
    // Half, so that it is not done anew at each of the ends that follow.
    if (live <= maxEntries / 2) break;
    const folded = foldUser(tx, entries, lifetimeMs);
    if (folded === undefined) continue;
    counts.folded += folded;
    counts.users += 1;
    live -= folded - 1;
  }
  return counts;
};

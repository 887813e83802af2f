import type { UserId } from '@sallyport/contract';
import { openDatabase } from '../service/database.ts';

export interface Notification {
  readonly id: string;
  readonly text: string;
  readonly createdAtMs: number;
  readonly readAtMs: number | undefined;
}

export interface Notifications {
  /** Of N calls with one id, one makes the notification. */
  add(notification: { readonly id: string; readonly userId: string; readonly text: string }): void;
  /** Newest first, at most `limit`, older than the notification `before`. */
  list(userId: UserId, limit: number, before: string | undefined): readonly Notification[];
  /** The time of the first reading stays. `undefined`: the user has no such notification. */
  markRead(userId: UserId, id: string): Notification | undefined;
  readonly isReady: () => boolean;
  readonly close: () => void;
}

const tables = `
  CREATE TABLE IF NOT EXISTS notifications (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    read_at_ms INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notifications_of_user ON notifications (user_id, id)`;

/** Every query of a user names the user: an id alone opens nothing. */
export const openNotifications = (dataDir: string, { nowMs }: { readonly nowMs: () => number }): Notifications => {
  const database = openDatabase(dataDir, 'notification-service', tables);
  const insert = database.prepare(`
    INSERT INTO notifications (id, user_id, text, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const page = database.prepare('SELECT * FROM notifications WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?');
  const read = database.prepare(`
    UPDATE notifications SET read_at_ms = coalesce(read_at_ms, ?) WHERE user_id = ? AND id = ? RETURNING *`);
  return {
    add: ({ id, userId, text }) => {
      insert.run(id, userId, text, nowMs());
    },
    // 'g' stands behind every hexadecimal id.
    list: (userId, limit, before = 'g') => page.all(userId, before, limit).map(notificationOf),
    markRead: (userId, id) => {
      const row = read.get(nowMs(), userId, id);
      return row && notificationOf(row);
    },
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

const notificationOf = (row: Readonly<Record<string, unknown>>): Notification => ({
  id: String(row['id']),
  text: String(row['text']),
  createdAtMs: Number(row['created_at_ms']),
  readAtMs: row['read_at_ms'] === null ? undefined : Number(row['read_at_ms']),
});

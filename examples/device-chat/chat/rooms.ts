import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Message {
  readonly id: string;
  readonly user_id: string;
  readonly message: string;
  readonly created_at: string;
}

export interface Room {
  readonly room_id: string;
  readonly name: string;
}

/** Somebody who is in a room, or has written there. */
export interface Person {
  readonly user_id: string;
  /** Absent: none of their tokens has said it. */
  readonly username?: string;
  readonly member: boolean;
}

type Barrier = 'no_room' | 'no_member';

export type Posted = { readonly kind: 'posted'; readonly message: Message } | { readonly kind: Barrier };

export interface Rooms {
  /** Whoever makes it is its first member. `full`: a user may be in no more. */
  create(room: Room, userId: string): 'created' | 'taken' | 'full';
  /** Idempotent. */
  join(roomId: string, userId: string): 'joined' | 'no_room' | 'full';
  /** False: there is no such room. */
  leave(roomId: string, userId: string): boolean;
  /** The user's, by name. */
  of(userId: string): readonly Room[];
  members(roomId: string): ReadonlySet<string>;
  /** What somebody is called, as the issuer says. */
  meet(userId: string, username: string): void;
  /** By name, at most 500. */
  people(
    roomId: string,
    userId: string,
  ): { readonly kind: 'people'; readonly people: readonly Person[] } | { readonly kind: Barrier };
  post(roomId: string, message: Message): Posted;
  /** Newest last, at most `limit`, before a message where one is given. */
  read(page: {
    readonly roomId: string;
    readonly userId: string;
    readonly limit: number;
    readonly before?: string;
  }): { readonly kind: 'read'; readonly messages: readonly Message[] } | { readonly kind: Barrier };
  isReady(): boolean;
  close(): void;
}

const maxPeople = 500;

const tables = `
  CREATE TABLE IF NOT EXISTS rooms (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS members (
    room_id TEXT NOT NULL REFERENCES rooms (id), user_id TEXT NOT NULL, PRIMARY KEY (room_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS rooms_of_user ON members (user_id);
  CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, room_id TEXT NOT NULL REFERENCES rooms (id),
    user_id TEXT NOT NULL, message TEXT NOT NULL, created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_of_room ON messages (room_id, position);
  CREATE INDEX IF NOT EXISTS authors_of_room ON messages (room_id, user_id);
  CREATE TABLE IF NOT EXISTS people (user_id TEXT PRIMARY KEY, username TEXT NOT NULL) STRICT, WITHOUT ROWID;`;

/** Opens `chat.db` in the data folder. An answered write is on the disk. */
export const openRooms = (dataDir: string, roomsPerUser = 0): Rooms => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dataDir, 'chat.db'), { timeout: 2_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  database.exec(tables);
  const roomOf = database.prepare('SELECT 1 FROM rooms WHERE id = ?');
  const memberOf = database.prepare('SELECT 1 FROM members WHERE room_id = ? AND user_id = ?');
  const insertRoom = database.prepare('INSERT INTO rooms (id, name) VALUES (?, ?) ON CONFLICT DO NOTHING');
  // Counted where it is written: of two processes at once neither passes the limit.
  const insertMember = database.prepare(
    `INSERT INTO members (room_id, user_id) SELECT ?1, ?2
      WHERE ?3 = 0 OR (SELECT count(*) FROM members WHERE user_id = ?2) < ?3 ON CONFLICT DO NOTHING`,
  );
  const deleteMember = database.prepare('DELETE FROM members WHERE room_id = ? AND user_id = ?');
  const roomsOf = database.prepare(
    'SELECT r.id AS room_id, r.name FROM members m JOIN rooms r ON r.id = m.room_id WHERE m.user_id = ? ORDER BY r.name, r.id',
  );
  const membersOf = database.prepare('SELECT user_id FROM members WHERE room_id = ?');
  const insertMessage = database.prepare(
    'INSERT INTO messages (id, room_id, user_id, message, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const page = database.prepare(
    `SELECT id, user_id, message, created_at FROM (
       SELECT * FROM messages WHERE room_id = ?
         AND position < coalesce((SELECT position FROM messages WHERE id = ? AND room_id = ?), 9223372036854775807)
       ORDER BY position DESC LIMIT ?) ORDER BY position`,
  );
  const upsertPerson = database.prepare(
    'INSERT INTO people (user_id, username) VALUES (?, ?) ON CONFLICT DO UPDATE SET username = excluded.username WHERE username <> excluded.username',
  );
  const peopleOf = database.prepare(
    `SELECT seen.user_id, p.username,
            EXISTS (SELECT 1 FROM members m WHERE m.room_id = ?1 AND m.user_id = seen.user_id) AS is_member
       FROM (SELECT user_id FROM members WHERE room_id = ?1 UNION SELECT user_id FROM messages WHERE room_id = ?1) seen
       LEFT JOIN people p ON p.user_id = seen.user_id ORDER BY p.username, seen.user_id LIMIT ${maxPeople}`,
  );
  const hasRoom = (roomId: string): boolean => roomOf.get(roomId) !== undefined;
  const barrier = (roomId: string, userId: string): Barrier | undefined => {
    if (!hasRoom(roomId)) return 'no_room';
    return memberOf.get(roomId, userId) === undefined ? 'no_member' : undefined;
  };
  return {
    create: ({ room_id, name }, userId) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const isNew = insertRoom.run(room_id, name).changes === 1;
        const isMember = isNew && insertMember.run(room_id, userId, roomsPerUser).changes === 1;
        database.exec(isMember ? 'COMMIT' : 'ROLLBACK');
        if (!isNew) return 'taken';
        return isMember ? 'created' : 'full';
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    join: (roomId, userId) => {
      if (!hasRoom(roomId)) return 'no_room';
      if (memberOf.get(roomId, userId) !== undefined) return 'joined';
      return insertMember.run(roomId, userId, roomsPerUser).changes === 1 ? 'joined' : 'full';
    },
    leave: (roomId, userId) => {
      if (!hasRoom(roomId)) return false;
      deleteMember.run(roomId, userId);
      return true;
    },
    of: (userId) => roomsOf.all(userId) as unknown as Room[],
    meet: (userId, username) => void upsertPerson.run(userId, username),
    people: (roomId, userId) => {
      const kind = barrier(roomId, userId);
      if (kind !== undefined) return { kind };
      const people = peopleOf.all(roomId).map(({ user_id, username, is_member }) => ({
        user_id: String(user_id),
        ...(typeof username === 'string' && { username }),
        member: is_member === 1,
      }));
      return { kind: 'people', people };
    },
    members: (roomId) => new Set(membersOf.all(roomId).map(({ user_id }) => String(user_id))),
    post: (roomId, message) => {
      const kind = barrier(roomId, message.user_id);
      if (kind !== undefined) return { kind };
      insertMessage.run(message.id, roomId, message.user_id, message.message, message.created_at);
      return { kind: 'posted', message };
    },
    read: ({ roomId, userId, limit, before = '' }) => {
      const kind = barrier(roomId, userId);
      if (kind !== undefined) return { kind };
      return { kind: 'read', messages: page.all(roomId, before, roomId, limit) as unknown as Message[] };
    },
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

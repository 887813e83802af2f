import type { UserId } from '@sallyport/contract';
import { openDatabase } from '../service/database.ts';

export interface Profile {
  readonly name: string;
  readonly bio: string;
}

export interface Profiles {
  /** The user's profile; the first call makes it with the given name. `undefined` after its deletion. */
  findOrCreate(userId: UserId, name: string): Profile | undefined;
  /** Sets the members that are given and returns all of them. `undefined` after its deletion. */
  update(userId: UserId, change: Partial<Profile>, name: string): Profile | undefined;
  /** Idempotent. */
  delete(userId: UserId): void;
  readonly isReady: () => boolean;
  readonly close: () => void;
}

// A deleted profile leaves its id behind and nothing else: an access token that still lives must not make it anew.
const tables = `
  CREATE TABLE IF NOT EXISTS profiles (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    bio TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID`;

export const openProfiles = (dataDir: string): Profiles => {
  const database = openDatabase(dataDir, 'user-service', tables);
  const insert = database.prepare('INSERT INTO profiles (user_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const select = database.prepare('SELECT name, bio FROM profiles WHERE user_id = ? AND deleted = 0');
  const update = database.prepare(`
    UPDATE profiles SET name = coalesce(?, name), bio = coalesce(?, bio)
    WHERE user_id = ? AND deleted = 0 RETURNING name, bio`);
  const bury = database.prepare(`
    INSERT INTO profiles (user_id, name, deleted) VALUES (?, '', 1)
    ON CONFLICT (user_id) DO UPDATE SET name = '', bio = '', deleted = 1`);
  return {
    findOrCreate: (userId, name) => {
      const known = profileOf(select.get(userId));
      if (known !== undefined) return known;
      insert.run(userId, name);
      return profileOf(select.get(userId));
    },
    update: (userId, change, name) => {
      insert.run(userId, name);
      return profileOf(update.get(change.name ?? null, change.bio ?? null, userId));
    },
    delete: (userId) => {
      bury.run(userId);
    },
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

const profileOf = (row: Readonly<Record<string, unknown>> | undefined): Profile | undefined =>
  row && { name: String(row['name']), bio: String(row['bio']) };

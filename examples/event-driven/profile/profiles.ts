import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Profile {
  readonly userId: string;
  readonly email: string | undefined;
  readonly name: string | undefined;
  /** RFC 3339: when the account was made, not the profile. */
  readonly createdAt: string;
}

export interface Profiles {
  /** False: there is one, or there was one that has been erased. */
  provision(profile: Profile): boolean;
  /** False: it had been erased before. Without a profile it is remembered, so that none is made later. */
  erase(userId: string): boolean;
  find(userId: string): Profile | undefined;
  isReady(): boolean;
  close(): void;
}

interface Row {
  readonly user_id: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly created_at: string;
}

const tables = `
  CREATE TABLE IF NOT EXISTS profiles (
    user_id TEXT PRIMARY KEY, email TEXT, name TEXT, created_at TEXT NOT NULL, erased INTEGER NOT NULL DEFAULT 0
  ) STRICT;`;

/** Opens `profiles.db` in the data folder. What has returned is on the disk: only then may an event be acknowledged. */
export const openProfiles = (dataDir: string): Profiles => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dataDir, 'profiles.db'), { timeout: 2_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
  database.exec(tables);
  const insert = database.prepare(
    'INSERT INTO profiles (user_id, email, name, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const erase = database.prepare(
    `INSERT INTO profiles (user_id, created_at, erased) VALUES (?, '', 1)
     ON CONFLICT DO UPDATE SET email = NULL, name = NULL, created_at = '', erased = 1 WHERE erased = 0`,
  );
  const select = database.prepare(
    'SELECT user_id, email, name, created_at FROM profiles WHERE user_id = ? AND erased = 0',
  );
  return {
    provision: ({ userId, email, name, createdAt }) =>
      insert.run(userId, email ?? null, name ?? null, createdAt).changes === 1,
    erase: (userId) => erase.run(userId).changes === 1,
    find: (userId) => {
      const row = select.get(userId) as unknown as Row | undefined;
      if (row === undefined) return undefined;
      const { user_id, email, name, created_at } = row;
      return { userId: user_id, email: email ?? undefined, name: name ?? undefined, createdAt: created_at };
    },
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

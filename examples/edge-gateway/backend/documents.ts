import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Document {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

export interface Documents {
  /** The user's own, latest first. */
  of(userId: string): readonly Document[];
  /** False: the user has reached the limit. */
  add(userId: string, document: Document): boolean;
  /** Anybody's. False: there is none. */
  remove(id: string): boolean;
  summary(): { readonly documents: number; readonly owners: number };
  isReady(): boolean;
  close(): void;
}

const maxPerUser = 1_000;

// A user's id is text of any form: tokens of an older issuer may number their users.
const tables = `
  CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS documents_of_user ON documents (user_id, position);`;

/** Opens `backend.db` in the data folder. An answered write is on the disk. */
export const openDocuments = (dataDir: string): Documents => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(dataDir, 'backend.db'), { timeout: 2_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec(tables);
  const select = database.prepare('SELECT id, title, text FROM documents WHERE user_id = ? ORDER BY position DESC');
  // Counted and written in one statement: parallel requests cannot go past the limit.
  const insert = database.prepare(
    `INSERT INTO documents (id, user_id, title, text)
     SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM documents WHERE user_id = ?) < ${maxPerUser}`,
  );
  const remove = database.prepare('DELETE FROM documents WHERE id = ?');
  const count = database.prepare('SELECT count(*) AS documents, count(DISTINCT user_id) AS owners FROM documents');
  return {
    of: (userId) => select.all(userId) as unknown as Document[],
    add: (userId, { id, title, text }) => insert.run(id, userId, title, text, userId).changes === 1,
    remove: (id) => remove.run(id).changes === 1,
    summary: () => count.get() as unknown as ReturnType<Documents['summary']>,
    isReady: () => database.isOpen,
    close: () => database.close(),
  };
};

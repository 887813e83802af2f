/** Stores of a real issuer, filled up by copies of real rows: sizes that would take hours through the door. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { issuerClient } from '@sallyport/tests/prove/client';
import { type IssuerFolder, issuerFolder, startIssuer } from '@sallyport/tests/prove/issuer-process';

export interface FilledStore {
  readonly folder: IssuerFolder;
  /** How large the store is on the disk. */
  readonly bytes: number;
  /** One per account that was signed up at the door; all have the password `password`. */
  readonly sessions: readonly { readonly email: string; readonly refresh: string }[];
}

export const password = 'correct horse battery';

export interface FillSize {
  readonly people: number;
  readonly rows: number;
}

/** Signs `people` up at a real issuer, then copies their rows until there are `rows` users and sessions, spread among theirs. */
export const fillStore = async (settings: Readonly<Record<string, string>>, size: FillSize): Promise<FilledStore> => {
  const folder = issuerFolder(settings);
  const sessions = await signUpPeople(folder, size.people);
  const file = join(folder.path, 'sallyport.db');
  if (size.rows > size.people) copyRows(file, size.rows - size.people);
  return { folder, bytes: statSync(file).size, sessions };
};

export const signUpPeople = async (folder: IssuerFolder, people: number): Promise<FilledStore['sessions']> => {
  const issuer = await startIssuer(folder);
  const client = issuerClient(issuer.url, 4);
  const sessions: { email: string; refresh: string }[] = [];
  const signUp = async (): Promise<void> => {
    while (sessions.length < people) {
      const email = `bench-${sessions.length}@example.org`;
      const place = sessions.push({ email, refresh: '' }) - 1;
      await client.post('/auth/register', { email, password, name: 'Bench' });
      const { body } = await client.post('/auth/login', { email, password });
      sessions[place] = { email, refresh: String(body['refresh_token']) };
    }
  };
  await Promise.all(Array.from({ length: 4 }, signUp));
  await client.close();
  await issuer.stop();
  return sessions;
};

const rowsPerCommit = 50_000;

/** New ids share the leading bytes of a real one, so that copies and real rows lie among each other in the tree. */
const copyRows = (file: string, count: number): void => {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA foreign_keys = OFF;');
  for (const [table, overridden] of Object.entries(copied)) {
    const columns = columnsOf(db, table);
    const values = columns.map((column) => overridden[column] ?? `model.${column}`).join(', ');
    db.exec(`CREATE TEMP TABLE model_${table} AS SELECT row_number() OVER () - 1 AS place, * FROM main.${table}`);
    const models = Number(db.prepare(`SELECT count(*) AS n FROM model_${table}`).get()?.['n']);
    const insert = db.prepare(
      `WITH RECURSIVE counter (n) AS (SELECT ? UNION ALL SELECT n + 1 FROM counter WHERE n + 1 < ?)
        INSERT INTO main.${table} (${columns.join(', ')})
        SELECT ${values} FROM counter JOIN model_${table} AS model ON model.place = counter.n % ${models}`,
    );
    for (let from = 0; from < count; from += rowsPerCommit) insert.run(from, Math.min(count, from + rowsPerCommit));
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
};

const newId = 'CAST(substr(model.id, 1, 6) || randomblob(10) AS BLOB)';
const copied: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  users: {
    id: newId,
    email: "'copy-' || counter.n || '@example.org'",
    email_key: "'copy-' || counter.n || '@example.org'",
  },
  sessions: { id: newId, user_id: 'randomblob(16)' },
};

const columnsOf = (db: DatabaseSync, table: string): readonly string[] =>
  db
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map((row) => String(row['name']));

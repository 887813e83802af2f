/** A copy of the whole file as it was at one moment, taken while others write to it. It is whole and sound, or it is not there. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { openForReading } from './database.ts';

export interface SqliteBackup {
  readonly file: string;
  readonly bytes: number;
  readonly users: number;
  readonly sessions: number;
}

export interface SqliteBackupOptions {
  readonly file: string;
  /** Never written over. */
  readonly to: string;
  onProgress?(pages: { readonly copied: number; readonly total: number }): void;
}

/** Pages of one step, 4 MB. */
const pagesPerStep = 1000;

/** @throws Error with a readable reason; nothing is left then */
export const backupSqlite = async ({ file, to, onProgress }: SqliteBackupOptions): Promise<SqliteBackup> => {
  if (!existsSync(file)) throw new Error(`${resolve(file)} is not there`);
  const wanted = resolve(to);
  if (existsSync(wanted)) throw new Error(`${wanted} is there already: a backup is never written over`);
  // Under its own name only when it has been found sound; whoever is killed before leaves no file that looks like a backup.
  const part = `${wanted}.${process.pid}.part`;
  // It holds password hashes: for its owner alone, before there is anything in it.
  closeSync(openSync(part, 'wx', 0o600));
  try {
    await copyPages(file, part, onProgress);
    const found = inspect(part);
    flush(part);
    // Unlike a rename it fails where somebody has been faster.
    linkSync(part, wanted);
    flush(dirname(wanted));
    return { file: wanted, ...found };
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(part + end, { force: true });
  }
};

const copyPages = async (file: string, part: string, onProgress: SqliteBackupOptions['onProgress']): Promise<void> => {
  const source = openForReading(file);
  try {
    // One moment for the whole copy: otherwise it begins anew after each commit of another process, and under load never ends.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    await backup(source, part, {
      rate: pagesPerStep,
      progress: ({ remainingPages, totalPages }) =>
        onProgress?.({ copied: totalPages - remainingPages, total: totalPages }),
    });
  } finally {
    source.close();
  }
};

/** @throws Error where the copy is not sound */
const inspect = (file: string): Omit<SqliteBackup, 'file'> => {
  const copy = new DatabaseSync(file);
  try {
    // One file that anybody can read where nothing may be written; an issuer that opens it returns to a log.
    copy.exec('PRAGMA journal_mode = DELETE');
    const verdict = copy.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    if (verdict !== 'ok') throw new Error('the copy did not pass the integrity check: the store itself may be damaged');
    const found = copy
      .prepare(
        `SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM sessions) AS sessions,
          (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS bytes`,
      )
      .get();
    return { bytes: Number(found?.['bytes']), users: Number(found?.['users']), sessions: Number(found?.['sessions']) };
  } finally {
    copy.close();
  }
};

const flush = (path: string): void => {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

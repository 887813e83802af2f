/** Carrying a store out of a file, or into one. The file is held alone: who has it open, or opens it meanwhile, finds it locked. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';
import type { Transfer, TransferKey, TransferRow, TransferTable } from '../contracts/transfer.ts';
import { makeFolder } from '../make-folder.ts';
import { type ColumnKind, incompleteKey, sourceKey, type TableShape, tableShapes } from '../transfer/tables.ts';
import { openAlone } from './database.ts';
import { migrate } from './migrate.ts';
import { createStatements, type SqlRow } from './transaction.ts';

/** @throws Error with a readable reason: no such file, somebody works on it, a schema that is too new */
export const openSqliteTransfer = async (input: {
  readonly file: string;
  /** Whether a file that is not there is made. */
  readonly create: boolean;
}): Promise<Transfer> => {
  const file = resolve(input.file);
  if (!input.create && !existsSync(file)) throw new Error(`${file} is not there`);
  makeFolder(dirname(file));
  closeSync(openSync(file, 'a', 0o600));
  const db = openAlone(file);
  const statements = createStatements(db);
  const step = <T>(work: () => T): T => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };
  const meta = (key: string): string | undefined => {
    const value = statements('SELECT value FROM store_meta WHERE key = ?').get(key)?.['value'];
    return value === undefined ? undefined : String(value);
  };
  const moveMark = (mark: string, nextMark: string): boolean =>
    statements('UPDATE store_meta SET value = ? WHERE key = ? AND value = ?').run(nextMark, incompleteKey, mark)
      .changes === 1;
  const head = (table: 'revocations' | 'outbox'): number =>
    Number(statements('SELECT seq FROM sqlite_sequence WHERE name = ?').get(table)?.['seq'] ?? 0);
  const raiseHead = (table: 'revocations' | 'outbox', position: number): void => {
    if (head(table) >= position) return;
    statements('DELETE FROM sqlite_sequence WHERE name = ?').run(table);
    statements('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, position);
  };

  try {
    migrate(db, () => db.exec('BEGIN IMMEDIATE'), Date.now());
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    exportRows: async ({ table, after, limit }) => {
      const shape = tableShapes[table];
      const found = statements(pageOf(shape, after !== undefined)).all(...keyValues(shape, after), limit);
      return { rows: found.map((row) => rowFrom(row, shape)), last: keyFrom(found.at(-1), shape) };
    },
    countRows: async (table) => Number(statements(countOf(tableShapes[table])).get()?.['count']),
    readHeads: async () => ({ revocations: head('revocations'), outbox: head('outbox') }),
    noteCopy: async (copyId) => {
      statements('INSERT OR REPLACE INTO store_meta (key, value) VALUES (?, ?)').run(sourceKey, copyId);
    },
    readCopyNote: async () => meta(sourceKey),
    readMark: async () => meta(incompleteKey),
    beginImport: async (mark) => {
      statements('INSERT INTO store_meta (key, value) VALUES (?, ?)').run(incompleteKey, mark);
    },
    importRows: async ({ table, rows, mark, nextMark }) =>
      step(() => {
        if (!moveMark(mark, nextMark)) return false;
        const shape = tableShapes[table];
        const insert = statements(insertOf(table, shape));
        for (const row of rows) insert.run(...valuesOf(row, shape));
        return true;
      }),
    finishImport: async ({ mark, incarnation, heads }) =>
      step(() => {
        const ended = statements('DELETE FROM store_meta WHERE key = ? AND value = ?').run(incompleteKey, mark);
        if (ended.changes !== 1) return false;
        statements("UPDATE store_meta SET value = ? WHERE key = 'incarnation'").run(incarnation);
        raiseHead('revocations', heads.revocations);
        raiseHead('outbox', heads.outbox);
        return true;
      }),
    close: async () => db.close(),
  };
};

const names = ({ columns }: TableShape): readonly string[] => Object.keys(columns);
const only = (shape: TableShape): string => shape.only ?? 'true';

const pageOf = (shape: TableShape, isLater: boolean): string => {
  const key = shape.key.join(', ');
  const behind = isLater ? ` AND (${key}) > (${shape.key.map(() => '?').join(', ')})` : '';
  const read = [...new Set([...shape.key, ...names(shape)])].join(', ');
  return `SELECT ${read} FROM ${shape.name} WHERE ${only(shape)}${behind} ORDER BY ${key} LIMIT ?`;
};

const countOf = (shape: TableShape): string => `SELECT COUNT(*) AS count FROM ${shape.name} WHERE ${only(shape)}`;

const insertOf = (table: TransferTable, shape: TableShape): string => {
  const listed = names(shape);
  const insert = `INSERT INTO ${shape.name} (${listed.join(', ')}) VALUES (${listed.map(() => '?').join(', ')})`;
  if (tableShapes[table].replaces !== true) return insert;
  const changes = listed.map((name) => `${name} = excluded.${name}`).join(', ');
  return `${insert} ON CONFLICT (${shape.key.join(', ')}) DO UPDATE SET ${changes}`;
};

/** A key that is no column of the shape is a position. */
const keyKind = ({ columns }: TableShape, name: string): ColumnKind => columns[name] ?? 'integer';

const keyValues = (shape: TableShape, key: TransferKey | undefined): SQLInputValue[] =>
  (key ?? []).map((part, at) => encoded(part, keyKind(shape, shape.key[at] ?? '')));

const keyFrom = (row: SqlRow | undefined, shape: TableShape): TransferKey | undefined =>
  row && shape.key.map((name) => decoded(row[name] ?? null, keyKind(shape, name)) as string | number);

const rowFrom = (row: SqlRow, shape: TableShape): TransferRow =>
  Object.fromEntries(Object.entries(shape.columns).map(([name, kind]) => [name, decoded(row[name] ?? null, kind)]));

const valuesOf = (row: TransferRow, shape: TableShape): SQLInputValue[] =>
  Object.entries(shape.columns).map(([name, kind]) => encoded(row[name] ?? null, kind));

const decoded = (value: SQLOutputValue, kind: ColumnKind): string | number | boolean | null => {
  if (value === null) return null;
  switch (kind) {
    case 'uuid':
      return uuidFromBytes(value as Uint8Array);
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('hex');
    case 'integer':
      return Number(value);
    case 'boolean':
      return value === 1;
    case 'list':
    case 'numbers':
      return JSON.stringify(JSON.parse(String(value)));
    case 'text':
    case 'json':
      return String(value);
  }
};

const encoded = (value: string | number | boolean | null, kind: ColumnKind): SQLInputValue => {
  if (value === null) return null;
  switch (kind) {
    case 'uuid':
      return uuidToBytes(String(value));
    case 'bytes':
      return Buffer.from(String(value), 'hex');
    case 'boolean':
      return value === true ? 1 : 0;
    case 'integer':
      return Number(value);
    case 'list':
    case 'numbers':
    case 'text':
    case 'json':
      return String(value);
  }
};

/** Accounts of another system as a file: CSV with a header, one JSON object a line, or one JSON array. Read as it streams, but the array. */
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import { CommandError } from '../exit-codes.ts';

/** One account as it was written, and where. */
export interface AccountRow {
  /** From 1 on: of the file, or of the array. */
  readonly place: number;
  readonly identifier: string;
  readonly passwordHash: string;
  readonly name?: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export type RowReading = AccountRow | { readonly place: number; readonly refused: string };

export const accountFormats = ['csv', 'jsonl', 'json'] as const;
export type AccountFormat = (typeof accountFormats)[number];

const members = ['email', 'username', 'identifier', 'password_hash', 'name', 'roles', 'permissions'] as const;

/** By the name's end. @throws CommandError where that says nothing */
export const formatOf = (path: string): AccountFormat => {
  const found = accountFormats.find((format) => path.toLowerCase().endsWith(`.${format}`));
  if (found !== undefined) return found;
  if (/\.ndjson$/i.test(path)) return 'jsonl';
  throw new CommandError(`${path}: what is it? Say so with --format (${accountFormats.join(', ')}).`);
};

/** @throws CommandError where the file cannot be read, or is not of the format as a whole */
export const readAccountRows = (
  path: string,
  format: AccountFormat,
): AsyncIterable<RowReading> | Iterable<RowReading> =>
  ({ csv: csvRows, jsonl: jsonLines, json: jsonArray })[format](path);

async function* csvRows(path: string): AsyncIterable<RowReading> {
  const parser = createReadStream(path)
    .on('error', (error) => parser.destroy(error))
    .pipe(
      parse({
        bom: true,
        columns: knownColumns,
        skip_empty_lines: true,
        trim: true,
        info: true,
        relax_column_count: true,
      }),
    );
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      readonly record: Readonly<Record<string, string>>;
      readonly info: { readonly lines: number };
    }>) {
      yield rowOf(record, info.lines);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A misspelt column would be one that nobody gets. */
const knownColumns = (header: readonly string[]): string[] => {
  const unknown = header.filter((name) => !members.some((member) => member === name));
  if (unknown.length > 0)
    throw new CommandError(`the header names ${unknown.join(', ')}; known are ${members.join(', ')}`);
  return [...header];
};

async function* jsonLines(path: string): AsyncIterable<RowReading> {
  let place = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      place += 1;
      if (line.trim() !== '') yield rowOf(parsed(line), place);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function* jsonArray(path: string): Iterable<RowReading> {
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw unreadable(path, error);
  }
  if (!Array.isArray(list)) throw new CommandError(`${path} holds no JSON array; one object a line is --format jsonl.`);
  for (const [at, value] of list.entries()) yield rowOf(value, at + 1);
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

/** A parser's message may quote the file, and with it a hash. */
const unreadable = (path: string, error: unknown): CommandError => {
  if (error instanceof CommandError) return new CommandError(`${path}: ${error.message}`);
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'not well formed';
  return new CommandError(`${path} cannot be read (${code}).`);
};

const rowOf = (value: unknown, place: number): RowReading => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { place, refused: 'it is no JSON object' };
  const row = value as Readonly<Record<string, unknown>>;
  const text = (member: (typeof members)[number]): string => (typeof row[member] === 'string' ? row[member] : '');
  const identifier = [text('identifier'), text('email'), text('username')].find((one) => one !== '');
  if (identifier === undefined) return { place, refused: 'it has no email, username or identifier' };
  if (text('password_hash') === '') return { place, refused: 'it has no password_hash' };
  const [roles, permissions] = [listOf(row['roles']), listOf(row['permissions'])];
  if (roles === undefined || permissions === undefined)
    return { place, refused: 'roles and permissions are lists of words, or words with commas, bars or blanks between' };
  return {
    ...{ place, identifier, passwordHash: text('password_hash') },
    ...(text('name') !== '' && { name: text('name') }),
    roles: roles.length === 0 ? ['user'] : roles,
    permissions,
  };
};

const word = /^[\x21-\x2b\x2d-\x7b\x7d\x7e]{1,128}$/;

const listOf = (value: unknown): readonly string[] | undefined => {
  const list: readonly unknown[] =
    typeof value === 'string' ? value.split(/[,|\s]+/).filter((one) => one !== '') : Array.isArray(value) ? value : [];
  if (value !== undefined && value !== null && typeof value !== 'string' && !Array.isArray(value)) return undefined;
  return list.every((one) => typeof one === 'string' && word.test(one)) ? (list as readonly string[]) : undefined;
};

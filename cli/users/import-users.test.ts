import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openMaintenance } from '@sallyport/auth/maintenance';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { newFolder, removeFolders } from '../testing/run.ts';
import { formatOf, type RowReading, readAccountRows } from './account-rows.ts';
import { importUsers } from './import-users.ts';

afterAll(removeFolders);

const hash = '$2y$04$X/McctNwhzBYmG0p4kmPV.veM75YCXGa53wSDODGiYchmS3ascEiS';
const key = (): string => randomBytes(32).toString('base64url');
const write = (name: string, text: string): string => {
  const path = join(newFolder(), name);
  writeFileSync(path, text);
  return path;
};
const rowsOf = async (name: string, text: string): Promise<readonly RowReading[]> => {
  const path = write(name, text);
  const rows: RowReading[] = [];
  for await (const row of readAccountRows(path, formatOf(path))) rows.push(row);
  return rows;
};

describe('rows of accounts', () => {
  const ann = { identifier: 'ann@example.org', passwordHash: hash, roles: ['user', 'admin'], permissions: ['a:b'] };

  it('are the same in every format', async () => {
    const object = {
      email: 'ann@example.org',
      password_hash: hash,
      name: 'Ann "A", B',
      roles: 'user|admin',
      permissions: ['a:b'],
    };
    const csv = `\uFEFFemail,password_hash,name,roles,permissions\r\nann@example.org,${hash},"Ann ""A"", B",user admin,a:b\r\n\r\n`;
    const expected = { ...ann, name: 'Ann "A", B' };
    expect(await rowsOf('a.csv', csv)).toEqual([{ ...expected, place: 2 }]);
    expect(await rowsOf('a.JSONL', `${JSON.stringify(object)}\n\n`)).toEqual([{ ...expected, place: 1 }]);
    expect(await rowsOf('a.ndjson', JSON.stringify(object))).toEqual([{ ...expected, place: 1 }]);
    expect(await rowsOf('a.json', JSON.stringify([object]))).toEqual([{ ...expected, place: 1 }]);
  });

  it('that cannot be an account say why, and stop nobody else', async () => {
    const lines = [
      '{',
      '[]',
      '{"email":"a@b.c"}',
      `{"password_hash":"${hash}"}`,
      `{"email":"a@b.c","password_hash":"x","roles":5}`,
    ];
    const rows = await rowsOf('a.jsonl', [...lines, `{"username":"bob","password_hash":"${hash}"}`].join('\n'));
    expect(rows.map((row) => ('refused' in row ? row.refused : row.identifier))).toEqual([
      ...['it is no JSON object', 'it is no JSON object', 'it has no password_hash'],
      ...['it has no email, username or identifier', expect.stringMatching(/^roles and permissions are lists/), 'bob'],
    ]);
  });

  it('of a file that is none, or with a column that is misspelt, are refused as a whole', async () => {
    await expect(rowsOf('a.csv', 'email,pasword_hash\na,b\n')).rejects.toThrow(/names pasword_hash; known are email/);
    await expect(rowsOf('a.csv', 'email,password_hash\n"a,b\n')).rejects.toThrow(
      /cannot be read \(CSV_QUOTE_NOT_CLOSED\)/,
    );
    await expect(rowsOf('a.json', '{"email": 1}')).rejects.toThrow(/no JSON array/);
    await expect(rowsOf('a.json', hash)).rejects.toThrow(/cannot be read \(not well formed\)\.$/);
    expect(() => formatOf('accounts.txt')).toThrow(/--format/);
    const missing = readAccountRows('/nowhere/a.csv', 'csv') as AsyncIterable<RowReading>;
    await expect(missing[Symbol.asyncIterator]().next()).rejects.toThrow(/ENOENT/);
  });
});

describe('an import', () => {
  const rows = function* (): Iterable<RowReading> {
    for (let place = 1; place <= 1000; place += 1)
      yield { place, identifier: `u${place}@example.org`, passwordHash: hash, roles: ['user'], permissions: [] };
  };
  const ignored = () => undefined;

  it('that is told to stop ends between two batches, and goes on where it was when it is run again', async () => {
    const env = { SALLYPORT_PRESET: 'microservices', SALLYPORT_DATA_DIR: newFolder(), JWT_SECRET: key() };
    const store = await openMaintenance({ ...env, SALLYPORT_ROOT_KEYS: `1:${key()}`, CSRF_KEYS: `1:${key()}` });
    onTestFinished(() => store.close());
    const stopping = new AbortController();
    const onProgress = (done: number): void => {
      if (done >= 300) stopping.abort();
    };
    const parts = { onProgress, onRefused: ignored };
    const first = await importUsers(store, { rows: rows(), ...parts, signal: stopping.signal });
    expect(first).toEqual({ imported: 512, existing: 0, refused: 0, interrupted: true });
    const second = await importUsers(store, { rows: rows(), ...parts, signal: new AbortController().signal });
    expect(second).toEqual({ imported: 488, existing: 512, refused: 0, interrupted: false });
    const users = await store.listUsers({ limit: 2000 });
    expect(new Set(users.map(({ email }) => email)).size).toBe(1000);
  });
});

/**
 * 100,000 accounts with bcrypt hashes of another system: the command that imports them is killed with -9 on the way and run again. All
 * are there once, and one of them logs in with the old password and has a new hash then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { httpClient } from '../testing/http-client.ts';
import { issuerFolder, startIssuer } from '../testing/issuer.ts';

export interface ImportOptions {
  readonly users: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export interface UsersImported {
  readonly users: number;
  /** Rows that the first run had told of when it was killed. */
  readonly killedAfterRows: number;
  readonly imported: number;
  readonly existing: number;
  readonly refused: number;
  readonly secondRunSeconds: number;
  readonly thirdRun: { readonly imported: number; readonly existing: number };
  readonly loggedIn: number;
  readonly rehashed: boolean;
  readonly passed: boolean;
}

/** Made with PHP's password_hash, cost 4, of `Tr0ub4dor & 3 µ`. */
const password = 'Tr0ub4dor & 3 \u00b5';
const hash = '$2y$04$X/McctNwhzBYmG0p4kmPV.veM75YCXGa53wSDODGiYchmS3ascEiS';

export const importUsers = async ({ users, settings = {} }: ImportOptions): Promise<UsersImported> => {
  const folder = issuerFolder();
  const env = { ...folder.settings, ...settings, BCRYPT_COST: '10' };
  const issuer = await startIssuer({ ...settings, PASSWORD_HASH: 'argon2id' }, folder);
  try {
    const file = join(folder.path, 'users.csv');
    await writeUsers(file, users);
    const first = run(file, env);
    const killedAfterRows = await killOnTheWay(first, users);
    const startMs = performance.now();
    const second = await resultOf(run(file, env));
    const secondRunSeconds = Math.round((performance.now() - startMs) / 100) / 10;
    const third = await resultOf(run(file, env));
    const email = nameOf(Math.floor(users / 2));
    const stored = async (): Promise<string> => {
      const rows = await folder.database.query(`SELECT password_hash FROM users WHERE email = '${email}'`);
      return rows.length === 1 ? String(rows[0]?.['password_hash']) : `${rows.length} rows`;
    };
    const before = await stored();
    const { status } = await httpClient(issuer.url)('POST', '/auth/login', { body: { email, password } });
    const rehashed = before === hash && (await stored()).startsWith('$argon2id$');
    const isWhole = second.imported + second.existing === users && third.imported === 0 && third.existing === users;
    return {
      ...{ users, killedAfterRows, ...second, secondRunSeconds },
      thirdRun: { imported: third.imported, existing: third.existing },
      ...{ loggedIn: status, rehashed },
      passed:
        isWhole && second.refused === 0 && second.existing > 0 && second.imported > 0 && status === 200 && rehashed,
    };
  } finally {
    await issuer.remove();
  }
};

const nameOf = (number: number): string => `user-${number}@example.org`;

const writeUsers = async (file: string, users: number): Promise<void> => {
  const out = createWriteStream(file);
  out.write('email,password_hash,name,roles\n');
  for (let number = 0; number < users; number += 1) {
    if (!out.write(`${nameOf(number)},${hash},User ${number},user\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
};

const entry = fileURLToPath(import.meta.resolve('@sallyport/cli/main'));

const run = (file: string, env: Readonly<Record<string, string>>): ChildProcess =>
  spawn(process.execPath, [entry, 'users', 'import', file, '--json'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Once it has told that a third of them is there, or has done all of a small file. */
const killOnTheWay = async (child: ChildProcess, users: number): Promise<number> => {
  let rows = 0;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    rows = Number(/^([\d,]+)/m.exec(text.trimEnd().split('\n').at(-1) ?? '')?.[1]?.replaceAll(',', '') ?? rows);
    if (rows >= users / 3) child.kill('SIGKILL');
  });
  await once(child, 'exit');
  return rows;
};

const resultOf = async (child: ChildProcess): Promise<Pick<UsersImported, 'imported' | 'existing' | 'refused'>> => {
  let [text, errors] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    errors += part;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the import ended with ${code}: ${errors.slice(-500)}`);
  return JSON.parse(text) as Pick<UsersImported, 'imported' | 'existing' | 'refused'>;
};

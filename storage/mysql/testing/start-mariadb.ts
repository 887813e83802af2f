/**
 * A MariaDB of a test's own: on a free port of the loopback, with its data and its socket in a new folder. Never the system's instance.
 * Whoever is root starts it as the user of the package, or as nobody.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../testing/free-port.ts';

export interface MariaDbServer {
  /** Of a user without a password who may do anything; the database is `audit`. */
  readonly url: string;
  readonly port: number;
  /** Ends it as a crash of the machine does; its port stays its own. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it had committed. */
  restart(): Promise<void>;
  /** It stays connected and answers nothing. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

const places = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin'];

const findProgram = (name: string): string | undefined =>
  [...(process.env['PATH'] ?? '').split(':'), ...places].map((folder) => join(folder, name)).find(existsSync);

/** Whether a test that needs it has to be skipped. Throws where it may not be. */
export const isMariaDbMissing = (): boolean => {
  const missing = findProgram('mariadbd') === undefined || findProgram('mariadb-install-db') === undefined;
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error('MariaDB is missing');
  if (missing) process.stderr.write('MISSING: mariadbd: audit in MySQL is not tested\n');
  return missing;
};

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Undefined: whoever runs the tests may run it. */
const findUser = (): User | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['mysql', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, name], { stdio: 'pipe' })));
      if (uid !== undefined && gid !== undefined) return { name, uid, gid };
    } catch {
      // There is no such user; the next one.
    }
  }
  throw new Error('no user to run MariaDB as');
};

const asUser = (user: User | undefined) => (user === undefined ? {} : { uid: user.uid, gid: user.gid });

const own = (path: string, user: User | undefined): string => {
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
};

/** What a test does not need is small or off. */
const lean = [
  '--innodb-log-file-size=4M',
  '--innodb-data-file-path=ibdata1:12M:autoextend',
  '--innodb-buffer-pool-size=16M',
  '--innodb-log-buffer-size=1M',
];

/** `mariadb-install-db` takes seconds: it is done once for each version, and copied. */
const template = (user: User | undefined): string => {
  const version = execFileSync(findProgram('mariadbd') ?? '', ['--version'], { encoding: 'utf8' });
  const number = /\d+\.\d+\.\d+/.exec(version)?.[0] ?? 'unknown';
  const path = join(tmpdir(), `sallyport-mariadb-${number}-${user?.uid ?? process.getuid?.() ?? 0}`);
  if (existsSync(path)) return path;
  const made = own(mkdtempSync(join(tmpdir(), 'sallyport-mariadb-new-')), user);
  const args = [
    '--no-defaults',
    `--datadir=${made}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
    ...lean,
  ];
  execFileSync(findProgram('mariadb-install-db') ?? '', args, { stdio: 'pipe', cwd: '/', ...asUser(user) });
  try {
    renameSync(made, path);
  } catch {
    // Another test has been faster.
    rmSync(made, { recursive: true, force: true });
  }
  return path;
};

const startLimitMs = 40_000;

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

/** Asks as a client would, until it is let in. */
const waitUntilItAnswers = async (child: ChildProcess, port: number): Promise<void> => {
  const until = Date.now() + startLimitMs;
  for (;;) {
    try {
      const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 2000 });
      await connection.query('CREATE DATABASE IF NOT EXISTS audit CHARACTER SET utf8mb4');
      await connection.end();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > until) throw new Error('MariaDB did not start', { cause: error });
      await sleep(30);
    }
  }
};

/**
 * @param settings options of the server: `{ 'default-time-zone': '+05:00' }`
 * @param files that are put into its data folder, and may be named in the settings
 */
export const startMariaDb = async (
  settings: Readonly<Record<string, string>> = {},
  files: readonly string[] = [],
): Promise<MariaDbServer> => {
  const program = findProgram('mariadbd');
  if (program === undefined) throw new Error('MariaDB is missing');
  const user = findUser();
  const port = await freePort();
  const folder = own(mkdtempSync(join(tmpdir(), 'sallyport-mariadb-data-')), user);
  const data = join(folder, 'data');
  execFileSync('cp', ['-a', template(user), data], { stdio: 'pipe', cwd: '/', ...asUser(user) });
  for (const file of files) {
    const copy = join(data, basename(file));
    copyFileSync(file, copy);
    chmodSync(own(copy, user), 0o600);
  }
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=2',
    '--performance-schema=OFF',
    ...lean,
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(program, args, { stdio: 'ignore', cwd: data, ...asUser(user) });
    await waitUntilItAnswers(child, port).catch(async (error: unknown) => {
      await end(child);
      throw error;
    });
    return child;
  };
  let child = await start();
  return {
    url: `mysql://root@127.0.0.1:${port}/audit`,
    port,
    kill: () => end(child),
    restart: async () => {
      child = await start();
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export interface MySqlDatabase {
  /** Nobody else's database. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The same for a test that is content with `TEST_MYSQL_URL`. */
export const isAnyMySqlMissing = (): boolean => process.env['TEST_MYSQL_URL'] === undefined && isMariaDbMissing();

/** Somebody's MySQL or MariaDB for tests (`TEST_MYSQL_URL`), where each test makes a database of its own, else one of the test's own. */
export const anyMySql = async (): Promise<MySqlDatabase> => {
  const given = process.env['TEST_MYSQL_URL'];
  if (given === undefined) return startMariaDb();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = new URL(given);
  url.pathname = `/${name}`;
  const admin = async (sql: string): Promise<void> => {
    const connection = await createConnection({ uri: given });
    await connection.query(sql);
    await connection.end();
  };
  await admin(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  return { url: url.href, stop: () => admin(`DROP DATABASE ${name}`) };
};

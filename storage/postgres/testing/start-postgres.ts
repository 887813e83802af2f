/**
 * A PostgreSQL of a test's own: on a free port of the loopback, with its data in a new folder. Never the system's instance. It refuses
 * to run as root, so that root starts it as the user of the package, or as nobody.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../testing/free-port.ts';

export interface PostgresServer {
  /** Of its superuser, without a password; the database is `postgres`. */
  readonly url: string;
  readonly port: number;
  /** Ends it and every process of it as a crash of the machine does; its port stays its own. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it had committed. */
  restart(): Promise<void>;
  /** It stays connected and answers nothing. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** What Debian installs beside each other, newest first; elsewhere what stands on the PATH. */
const debianFolder = '/usr/lib/postgresql';

const findPrograms = (): string | undefined => {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : [];
  const folders = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(debianFolder, version, 'bin'));
  const paths = (process.env['PATH'] ?? '').split(':');
  return [...folders, ...paths].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
};

/** A program that comes with the server, such as `pgbench`. */
export const postgresProgram = (name: string): string => join(findPrograms() ?? '', name);

/** Whether a test that needs it has to be skipped. Throws where it may not be. */
export const isPostgresMissing = (): boolean => {
  const missing = findPrograms() === undefined;
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error('PostgreSQL is missing');
  if (missing) process.stderr.write('MISSING: postgres: the store on PostgreSQL is not tested\n');
  return missing;
};

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined: whoever runs the tests may run it. */
const findUser = (): User | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, name], { stdio: 'pipe' })));
      if (uid !== undefined && gid !== undefined) return { uid, gid };
    } catch {
      // There is no such user; the next one.
    }
  }
  throw new Error('no user to run PostgreSQL as: it refuses root');
};

const own = (path: string, user: User | undefined): string => {
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
};

/** `initdb` takes a second: it is done once for each version, and copied. */
const template = (programs: string, user: User | undefined): string => {
  const version = execFileSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' }).replace(/\D+/g, '-');
  const uid = user?.uid ?? process.getuid?.() ?? 0;
  const path = join(tmpdir(), `sallyport-postgres${version}${uid}`);
  if (!existsSync(path)) {
    const made = own(mkdtempSync(join(tmpdir(), 'sallyport-postgres-new-')), user);
    const args = [
      '-D',
      made,
      '-U',
      'sallyport',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ];
    execFileSync(join(programs, 'initdb'), args, { stdio: 'pipe', cwd: '/', ...user });
    try {
      renameSync(made, path);
    } catch {
      // Another test has been faster.
      rmSync(made, { recursive: true, force: true });
    }
  }
  if (statSync(path).uid !== uid) throw new Error(`${path} is somebody else's`);
  return path;
};

const startLimitMs = 20_000;

const quick = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '32MB',
  // A test that is about the disk says otherwise.
  fsync: 'off',
  autovacuum: 'off',
  log_min_messages: 'fatal',
};

export type PostgresSettings = Readonly<Record<string, string>>;

/** A server that was killed may leave processes that hold its shared memory for a moment: until they are gone a new one ends at once. */
const runAfterCrash = async (start: () => ChildProcess, port: number): Promise<ChildProcess> => {
  const until = Date.now() + startLimitMs;
  for (;;) {
    try {
      return await run(start, port);
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(50);
    }
  }
};

const run = async (start: () => ChildProcess, port: number): Promise<ChildProcess> => {
  const child = start();
  const until = Date.now() + startLimitMs;
  while (!(await answersLogins(port))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error('PostgreSQL did not start');
    await sleep(10);
  }
  return child;
};

/** A server that recovers accepts connections and turns them away: it is asked as a client would, protocol 3.0. */
const answersLogins = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const text = Buffer.from('user\0sallyport\0database\0postgres\0\0');
    const hello = Buffer.concat([Buffer.alloc(8), text]);
    hello.writeInt32BE(hello.length, 0);
    hello.writeInt32BE(196_608, 4);
    const socket = connect(port, '127.0.0.1', () => socket.write(hello));
    socket.once('error', () => resolve(false)).once('close', () => resolve(false));
    // R: the login is accepted. E: starting up, recovering.
    socket.once('data', (answer) => {
      resolve(answer[0] === 0x52);
      socket.end(Buffer.from([0x58, 0, 0, 0, 4]));
    });
  });

/** Each of its processes leads a session of its own: a signal to a group would miss them. */
const family = (parent: number): readonly number[] => {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = list
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return [parent, ...pairs.filter(([, ppid]) => ppid === parent).map(([pid]) => pid ?? 0)];
};

const signal = (child: ChildProcess, name: NodeJS.Signals): void => {
  for (const pid of family(child.pid ?? 0)) {
    try {
      process.kill(pid, name);
    } catch {
      // It has just ended by itself.
    }
  }
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  signal(child, 'SIGKILL');
  await ended;
};

/**
 * @param settings of the server, over those that make it quick: `{ fsync: 'on' }`
 * @param files that are put into its data folder
 */
export const startPostgres = async (
  settings: PostgresSettings = {},
  files: readonly string[] = [],
): Promise<PostgresServer> => {
  const programs = findPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is missing');
  const user = findUser();
  const port = await freePort();
  const folder = own(mkdtempSync(join(tmpdir(), 'sallyport-postgres-data-')), user);
  const data = join(folder, 'data');
  copyAs(template(programs, user), data, user);
  for (const file of files) {
    const copy = join(data, basename(file));
    copyFileSync(file, copy);
    chmodSync(own(copy, user), 0o600);
  }
  const args = Object.entries({ ...quick, port: String(port), ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const start = () => spawn(join(programs, 'postgres'), ['-D', data, ...args], { stdio: 'ignore', cwd: '/', ...user });
  let child = await run(start, port);
  return {
    url: `postgres://sallyport@127.0.0.1:${port}/postgres`,
    port,
    kill: () => end(child),
    restart: async () => {
      child = await runAfterCrash(start, port);
    },
    freeze: () => signal(child, 'SIGSTOP'),
    thaw: () => signal(child, 'SIGCONT'),
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const copyAs = (from: string, to: string, user: User | undefined): void => {
  if (user === undefined) cpSync(from, to, { recursive: true, preserveTimestamps: true });
  else execFileSync('cp', ['-a', from, to], { stdio: 'pipe', cwd: '/', ...user });
};

export interface PostgresDatabase {
  readonly url: string;
  /** Nobody else's. */
  readonly schema: string;
  stop(): Promise<void>;
}

/** The same for a test that is content with `TEST_POSTGRES_URL`. */
export const isAnyPostgresMissing = (): boolean =>
  process.env['TEST_POSTGRES_URL'] === undefined && isPostgresMissing();

/** Somebody's PostgreSQL for tests (`TEST_POSTGRES_URL`), where each test makes a schema of its own, else one of the test's own. */
export const anyPostgres = async (): Promise<PostgresDatabase> => {
  const url = process.env['TEST_POSTGRES_URL'];
  const schema = `test_${randomBytes(6).toString('hex')}`;
  if (url !== undefined) return { url, schema, stop: async () => undefined };
  const server = await startPostgres();
  return { url: server.url, schema, stop: server.stop };
};

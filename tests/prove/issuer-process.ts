/** A real issuer as a child process, to be killed and started again on the same store. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface IssuerFolder {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** A data folder and secrets that any number of issuers may share. */
export const issuerFolder = (settings: Readonly<Record<string, string>> = {}): IssuerFolder => {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-prove-'));
  const key = () => randomBytes(32).toString('base64url');
  const env = {
    SALLYPORT_PRESET: 'microservices',
    SALLYPORT_DATA_DIR: path,
    SALLYPORT_ROOT_KEYS: `1:${key()}`,
    CSRF_KEYS: `1:${key()}`,
    JWT_SECRET: key(),
    BCRYPT_COST: '10',
    LOG_LEVEL: 'warn',
    LOGIN_LIMIT_PER_MINUTE: '0',
    LOCKOUT: 'off',
    REGISTRATION_LIMIT_PER_HOUR: '0',
    REFRESH_ROTATION: 'on',
    ...settings,
  };
  return { path, env, remove: () => rmSync(path, { recursive: true, force: true }) };
};

export interface Issuer {
  readonly url: string;
  readonly privateUrl: string;
  readonly pid: number;
  /** The same port again, after a kill. */
  readonly port: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const entry = fileURLToPath(import.meta.resolve('@sallyport/auth/main'));

interface Ready {
  readonly type: 'ready';
  readonly urls: Readonly<Record<string, string>>;
}

/** `main`: another issuer than this repository's own, such as a sabotaged copy. */
export const startIssuer = async (folder: IssuerFolder, port = 0, main = entry): Promise<Issuer> => {
  const { urls, ...started } = await startProcess(folder, main, { AUTH_PORT: String(port), AUTH_PRIVATE_PORT: '0' });
  return {
    ...started,
    url: urls['public'] ?? '',
    privateUrl: urls['private'] ?? '',
    port: Number(new URL(urls['public'] ?? '').port),
  };
};

export interface ServerProcess extends Pick<Issuer, 'pid' | 'kill' | 'stop'> {
  readonly urls: Readonly<Record<string, string>>;
  /** Stops the process where it stands, as a virtual machine that is moved is; returns how it goes on. */
  pause(): () => void;
}

/** Any server on a folder's settings; `main` is a path. */
export const startProcess = async (
  folder: IssuerFolder,
  main: string,
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> => {
  const env = {
    ...folder.env,
    ...settings,
    PATH: process.env['PATH'] ?? '',
    // Both as the launcher hands them on.
    UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? String(availableParallelism() + 4),
    ...(process.env['NODE_COMPILE_CACHE'] !== undefined && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
  };
  // Its log stays beside its store: what a run prints is the run's own. Why it did not start stands on standard error.
  const log = openSync(join(folder.path, 'issuer.log'), 'a', 0o600);
  const child = spawn(process.execPath, [main], { env, cwd: folder.path, stdio: ['ignore', log, 'inherit', 'ipc'] });
  closeSync(log);
  const { urls } = await readyMessage(child);
  return {
    urls,
    pid: child.pid ?? 0,
    pause: () => {
      child.kill('SIGSTOP');
      return () => void child.kill('SIGCONT');
    },
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
  };
};

const readyMessage = (child: ChildProcess): Promise<Ready> =>
  new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ready));
    child.once('exit', (code) => reject(new Error(`the issuer ended with ${code} before it was ready`)));
  });

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
};

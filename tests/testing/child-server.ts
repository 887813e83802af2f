/**
 * What the whole-system tests share: real servers as child processes, clients that can send anything, a forge for tokens, a look
 * into the database. Nothing here knows what a test expects, and no server gets anything of the test's own environment.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Settings = Readonly<Record<string, string>>;
export type LogLine = Readonly<Record<string, unknown>>;

export interface ChildServer {
  /** `http://127.0.0.1:<port>`; the servers listen on both loopbacks, one of them keeps addresses comparable. */
  readonly url: string;
  readonly privateUrl: string;
  /** Of an issuer with ADMIN_PORT; else empty. */
  readonly adminUrl: string;
  /** Everything written so far on standard output and standard error. */
  output(): string;
  logLines(): LogLine[];
  /** Waits until a log line fits; fails after 2 s. */
  waitForLine(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends a signal that does not end it. */
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface FailedStart {
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly output: string;
}

interface Spawned {
  readonly child: ChildProcess;
  readonly read: { all: string; stderr: string };
}

const startLimitMs = 20_000;
const lineLimitMs = 2000;

/** Halves what each of the many starts costs: compiled code without types is kept between them. */
export const compileCache = fileURLToPath(new URL('../../node_modules/.cache/sallyport-tests', import.meta.url));

const run = (entry: string, settings: Settings, cwd: string): Spawned => {
  const child = spawn(process.execPath, [fileURLToPath(entry)], {
    // Of its own, minimal: a setting of whoever runs the tests would change what is tested.
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compileCache, ...settings },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const read = { all: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    read.all += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    read.all += text;
    read.stderr += text;
  });
  return { child, read };
};

/** Starts a server by the URL of its package entry, `import.meta.resolve('@sallyport/auth/main')`, and waits until it is ready. */
export const startServer = async (entry: string, settings: Settings, cwd: string): Promise<ChildServer> => {
  const { child, read } = run(entry, settings, cwd);
  const urls = await readyUrls(child, read);
  const logLines = () => read.all.split('\n').flatMap(readLine);
  return {
    url: onIpv4(urls.public ?? ''),
    privateUrl: onIpv4(urls.private ?? ''),
    adminUrl: onIpv4(urls.admin ?? ''),
    output: () => read.all,
    logLines,
    waitForLine: (fits) => waitForLine(logLines, fits),
    signal: (name) => void child.kill(name),
    stop: () => stop(child),
  };
};

/** Starts a server that is expected to refuse its settings, and tells how it ended. */
export const startRefused = async (entry: string, settings: Settings, cwd: string): Promise<FailedStart> => {
  const { child, read } = run(entry, settings, cwd);
  const limit = setTimeout(() => child.kill('SIGKILL'), startLimitMs);
  const becameReady = new Promise<boolean>((resolve) => child.once('message', () => resolve(true)));
  const ended = once(child, 'close').then(() => false);
  const ready = await Promise.race([becameReady, ended]);
  clearTimeout(limit);
  if (ready) await stop(child);
  return { exitCode: ready ? 0 : child.exitCode, stderr: read.stderr, output: read.all };
};

interface Urls {
  /** A relay has none. */
  readonly public?: string;
  readonly private?: string;
  readonly admin?: string;
}

const readyUrls = (child: ChildProcess, read: { readonly all: string }): Promise<Urls> =>
  new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not ready within ${startLimitMs} ms: ${read.all}`));
    }, startLimitMs);
    child.once('message', (message: { readonly urls: Urls }) => {
      clearTimeout(limit);
      resolve(message.urls);
    });
    child.once('close', (code) => {
      clearTimeout(limit);
      reject(new Error(`the server ended with ${code} before it was ready: ${read.all}`));
    });
  });

const onIpv4 = (url: string): string => url.replace('localhost', '127.0.0.1').replace(/\/$/, '');

const readLine = (text: string): LogLine[] => {
  if (!text.startsWith('{')) return [];
  try {
    return [JSON.parse(text) as LogLine];
  } catch {
    // The last line may have arrived by half.
    return [];
  }
};

const waitForLine = async (logLines: () => LogLine[], fits: (line: LogLine) => boolean): Promise<LogLine> => {
  const until = Date.now() + lineLimitMs;
  for (;;) {
    const found = logLines().find(fits);
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error('no such line in the log');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  await ended;
};

/** Starts `sallyport up` for real, as a process of its own, on ports and in a data folder of its own. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compileCache } from '../../testing/child-server.ts';

const main = fileURLToPath(import.meta.resolve('@sallyport/cli/main'));

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly dataDir: string;
  readonly offset: number;
  readonly output: () => string;
  /** Resolves to the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** The servers' process ids by entry, such as `auth/main`. */
  readonly servers: () => ReadonlyMap<string, number>;
  readonly url: (port: number) => string;
}

const started: Started[] = [];
const folders: string[] = [];

export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-start-'));
  folders.push(folder);
  return folder;
};

/** Nothing of the environment that these tests run in shows through; code that was compiled once is, as with `npm start`, kept. */
const cleanEnvironment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: tmpdir(),
  NODE_COMPILE_CACHE: compileCache,
});

/** Runs another command of `sallyport` to its end. */
export const sallyport = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: { readonly cwd?: string; readonly input?: string } = {},
): { status: number; stdout: string; stderr: string } => {
  try {
    const stdout = execFileSync(process.execPath, [main, ...args], {
      env: { ...cleanEnvironment(), ...env },
      cwd: options.cwd ?? newFolder(),
      input: options.input ?? '',
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return { status: 0, stdout, stderr: '' };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { status, stdout, stderr };
  }
};

/** The same for a command that takes its time. */
export const sallyportAsync = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ status: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const options = { env: { ...cleanEnvironment(), ...env }, cwd: newFolder(), encoding: 'utf8' } as const;
    const child = execFile(process.execPath, [main, ...args], options, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });

export interface StartOptions {
  /** Default: the one that `npm start` runs. */
  readonly preset?: string;
  readonly dataDir?: string;
  readonly offset?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export const start = (options: StartOptions = {}): Started => {
  const { preset, dataDir = newFolder(), offset = randomInt(10_000, 20_000), env, cwd } = options;
  const child = spawn(process.execPath, [main, 'up', ...(preset === undefined ? [] : [preset])], {
    cwd: cwd ?? newFolder(),
    env: {
      ...cleanEnvironment(),
      SALLYPORT_DATA_DIR: dataDir,
      SALLYPORT_PORT_OFFSET: String(offset),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (output += text));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  const pid = child.pid ?? 0;
  const running: Started = {
    child,
    pid,
    dataDir,
    offset,
    output: () => output,
    ended,
    servers: () => serversOf(pid),
    url: (port) => `http://localhost:${port + offset}`,
  };
  started.push(running);
  return running;
};

export const startReady = async (options: StartOptions = {}): Promise<Started> => {
  const running = start(options);
  await until(`ready\n${running.output()}`, () => /^ready$/m.test(running.output()) || hasEnded(running.child), {
    withinMs: 25_000,
  });
  if (!/^ready$/m.test(running.output())) throw new Error(`not ready:\n${running.output()}`);
  return running;
};

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

export const stopEverything = async (): Promise<void> => {
  for (const { child, ended } of started.splice(0)) {
    if (hasEnded(child)) continue;
    child.kill('SIGTERM');
    await ended;
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

interface Patience {
  /** Default 8,000. */
  readonly withinMs?: number;
  /** Between two looks. Default 20. */
  readonly everyMs?: number;
}

export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  { withinMs = 8_000, everyMs = 20 }: Patience = {},
): Promise<void> => {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(everyMs);
  }
};

/** A zombie has ended: it only waits for its parent to ask how. */
export const lives = (pid: number): boolean => {
  const stat = readProc(pid, 'stat');
  return stat !== undefined && !/\) [ZX] /.test(stat);
};

export const environmentOf = (pid: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (readProc(pid, 'environ') ?? '').split('\0').flatMap((entry) => {
      const equals = entry.indexOf('=');
      return equals < 1 ? [] : [[entry.slice(0, equals), entry.slice(equals + 1)]];
    }),
  );

const serversOf = (parent: number): ReadonlyMap<string, number> => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`));
  const children = pids.map(Number).filter((pid) => parentOf(pid) === parent && lives(pid));
  return new Map(children.map((pid) => [entryOf(pid), pid]));
};

const parentOf = (pid: number): number | undefined => {
  const stat = readProc(pid, 'stat');
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
};

const entryOf = (pid: number): string =>
  /([a-z-]+\/main)\.ts/.exec((readProc(pid, 'cmdline') ?? '').replaceAll('\0', ' '))?.[1] ?? 'unknown';

const readProc = (pid: number, file: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended.
    return undefined;
  }
};

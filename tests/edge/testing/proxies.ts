/**
 * The proxies of Debian before a gateway, by the example configurations of `deploy/` with nothing changed but addresses and
 * folders. Each runs as a process of its own on a free port, with its data in a new folder; none is the system's instance.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../testing/free-ports.ts';

export interface Behind {
  /** Origins. */
  readonly gateway: string;
  readonly userService: string;
}

export interface EdgeProxy {
  readonly url: string;
  stop(): Promise<void>;
}

interface Kind {
  readonly program: string;
  /** Asks for its version. */
  readonly probe: string;
  readonly file: string;
  /** Text of the example, and what stands there in the test. */
  readonly changes: (folder: string) => Readonly<Record<string, string>>;
  readonly args: (folder: string, config: string) => readonly string[];
}

const deploy = (file: string): URL => new URL(`../../../deploy/${file}`, import.meta.url);

export const proxyKinds: readonly Kind[] = [
  {
    program: 'nginx',
    probe: '-v',
    file: 'nginx.conf',
    changes: (folder) => ({
      '/run/nginx.pid': join(folder, 'nginx.pid'),
      '/var/log/nginx/error.log': 'stderr',
      'http {': `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${join(folder, name)};`)
        .join('\n')}`,
    }),
    args: (folder, config) => ['-p', folder, '-e', 'stderr', '-c', config, '-g', 'daemon off;'],
  },
  {
    program: 'haproxy',
    probe: '-v',
    file: 'haproxy.cfg',
    changes: () => ({ '/etc/haproxy/forward-auth.lua': deploy('forward-auth.lua').pathname }),
    args: (_, config) => ['-db', '-f', config],
  },
  {
    program: 'caddy',
    probe: 'version',
    file: 'Caddyfile',
    changes: () => ({}),
    args: (_, config) => ['run', '--adapter', 'caddyfile', '--config', config],
  },
];

/** Whether a test of it has to be skipped. Throws where it may not be. */
export const isMissing = ({ program, probe }: Kind): boolean => {
  const missing = spawnSync(program, [probe], { stdio: 'ignore' }).error !== undefined;
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error(`${program} is missing`);
  if (missing) process.stderr.write(`MISSING: ${program}: forward auth behind it is not tested\n`);
  return missing;
};

/** Puts `to` in the one place where `from` stands: an example that has lost it is no longer the one that is tested. */
const replaceOnce = (text: string, from: string, to: string): string => {
  if (text.split(from).length !== 2) throw new Error(`the example holds ${from} not exactly once`);
  return text.replace(from, () => to);
};

const startLimitMs = 10_000;

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });

const untilOpen = async (child: ChildProcess, port: number, said: () => string): Promise<void> => {
  const until = Date.now() + startLimitMs;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`the proxy did not start: ${said()}`);
    await sleep(20);
  }
};

export const startProxy = async (kind: Kind, { gateway, userService }: Behind): Promise<EdgeProxy> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-edge-'));
  const port = await freePort();
  const changes = {
    ':8000': `:${port}`,
    '127.0.0.1:8080': new URL(gateway).host,
    '127.0.0.1:8082': new URL(userService).host,
    ...kind.changes(folder),
  };
  let text = readFileSync(deploy(kind.file), 'utf8').replace('listen 8000;', 'listen :8000;');
  for (const [from, to] of Object.entries(changes)) text = replaceOnce(text, from, to);
  const config = join(folder, kind.file);
  writeFileSync(config, text.replace(`listen :${port};`, `listen 127.0.0.1:${port};`));
  const child = spawn(kind.program, kind.args(folder, config), {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilOpen(child, port, () => said);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
};

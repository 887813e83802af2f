/**
 * A redis-server of a test's own: on a free port of the loopback, with its data in a new folder. Never the system's instance.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';

export interface RedisServer {
  readonly url: string;
  /** Ends it as a crash does; its port stays its own. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what was saved, or empty. */
  restart(): Promise<void>;
  /** Writes a copy of everything to its disk. */
  save(): Promise<void>;
  /** Forgets everything. */
  flush(): Promise<void>;
  /** It stays connected and answers nothing. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Whether a test that needs it has to be skipped. Throws where it may not be. */
export const isRedisMissing = (): boolean => {
  const missing = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).error !== undefined;
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error('redis-server is missing');
  if (missing) process.stderr.write('MISSING: redis-server: limits that are shared through it are not tested\n');
  return missing;
};

const startLimitMs = 10_000;

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });

const run = async (port: number, folder: string, settings: readonly string[]): Promise<ChildProcess> => {
  const ports = settings.includes('--tls-cert-file') ? ['--port', '0', '--tls-port'] : ['--port'];
  const own = [...ports, String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', [...own, ...settings], { stdio: 'ignore' });
  const until = Date.now() + startLimitMs;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error('redis-server did not start');
    await sleep(10);
  }
  return child;
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

const command = async (port: number, name: string): Promise<void> => {
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  await client.sendCommand([name]);
  client.destroy();
};

/** @param settings further arguments of redis-server, `['--requirepass', '…']`; with `--tls-cert-file` it speaks TLS alone */
export const startRedis = async (settings: readonly string[] = []): Promise<RedisServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-'));
  const port = await freePort();
  let child = await run(port, folder, settings);
  return {
    url: `${settings.includes('--tls-cert-file') ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    kill: () => end(child),
    restart: async () => {
      child = await run(port, folder, settings);
    },
    save: () => command(port, 'SAVE'),
    flush: () => command(port, 'FLUSHALL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const slots = 16_384;

/** The same as a cluster of one: a script that touches keys of two slots is refused. */
export const startRedisCluster = async (): Promise<RedisServer> => {
  const server = await startRedis(['--cluster-enabled', 'yes']);
  const client = await createClient({ url: server.url }).connect();
  await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', String(slots - 1)]);
  const isOk = async () => String(await client.clusterInfo()).includes('cluster_state:ok');
  while (!(await isOk())) await sleep(10);
  client.destroy();
  return server;
};

export interface RedisUrl {
  readonly url: string;
  stop(): Promise<void>;
}

/** The same for a test that is content with `TEST_REDIS_URL`. */
export const isAnyRedisMissing = (): boolean => process.env['TEST_REDIS_URL'] === undefined && isRedisMissing();

/** Somebody's Redis for tests (`TEST_REDIS_URL`), which is only ever added to, else one of the test's own. */
export const anyRedis = async (): Promise<RedisUrl> => {
  const url = process.env['TEST_REDIS_URL'];
  return url === undefined ? startRedis() : { url, stop: async () => undefined };
};

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

const readyWithinMs = 60_000;

export interface Start {
  readonly node: string;
  /** Script and arguments that bring up a preset's servers: `sallyport up`, `npm start`. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Servers on ports of their own, stopped as Ctrl-C would after `use`, which is told by how much the ports are shifted.
 * @throws Error with their output where they do not get ready, or do not end well
 */
export const withServers = async <T>(
  { node, args, cwd, env }: Start,
  use: (portOffset: number) => T | Promise<T>,
): Promise<T> => {
  const offset = randomInt(10_000, 40_000);
  const child = spawn(node, [...args], {
    cwd,
    // Nothing of the environment of whoever packs.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      SALLYPORT_PORT_OFFSET: String(offset),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let result: T;
  try {
    await untilReady([child.stdout, child.stderr], ended);
    result = await use(offset);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
  if (child.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${child.exitCode ?? child.signalCode}`);
  return result;
};

const untilReady = async (streams: readonly Readable[], ended: Promise<unknown>): Promise<void> => {
  let output = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`not ready within ${readyWithinMs} ms:\n${output}`)), readyWithinMs);
  for (const stream of streams) {
    stream.on('data', (text) => {
      output += text;
      if (/^ready$/m.test(output)) resolve();
    });
  }
  void ended.then(() => reject(new Error(`it ended before it was ready:\n${output}`)));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
};

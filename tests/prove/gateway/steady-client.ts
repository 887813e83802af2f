/**
 * The ordinary requests of the proof `slow-sockets`, from a process of their own: so many a second whatever becomes of them, each
 * timed from when it was due, so that a wait in line counts. `node steady-client.ts '<json>'`, one line of JSON out.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SteadyOptions {
  readonly url: string;
  readonly paths: readonly string[];
  readonly authorization: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
  /** The address that they come from. */
  readonly localAddress: string;
}

export interface SteadyResult {
  readonly latenciesMs: readonly number[];
  readonly failed: number;
}

const run = async (options: SteadyOptions): Promise<SteadyResult> => {
  const { url, paths, authorization, perSecond, seconds, connections, localAddress } = options;
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  const latenciesMs: number[] = [];
  let failed = 0;
  const ask = (path: string, dueMs: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (isGood: boolean): void => {
        if (isGood) latenciesMs.push(performance.now() - dueMs);
        else failed += 1;
        resolve();
      };
      const outgoing = request(
        { hostname, port, path, headers: { authorization }, agent, localAddress },
        (response) => {
          response.resume();
          response.on('error', () => end(false));
          response.on('end', () => end(response.statusCode === 200));
        },
      );
      outgoing.setTimeout(15_000, () => outgoing.destroy());
      outgoing.on('error', () => end(false));
      outgoing.end();
    });

  const asked: Promise<void>[] = [];
  const beganMs = performance.now();
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const dueMs = beganMs + (n * 1000) / perSecond;
    await sleep(Math.max(0, dueMs - performance.now()));
    asked.push(ask(paths[n % paths.length] ?? '/', dueMs));
  }
  await Promise.all(asked);
  agent.destroy();
  return { latenciesMs, failed };
};

process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}') as SteadyOptions))}\n`);

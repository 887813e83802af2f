import { setTimeout as sleep } from 'node:timers/promises';
import type { Supervised } from './supervise.ts';

/** Together below the ten seconds that are promised. */
const staggerMs = 1_000;
const limitMs = 9_000;

/**
 * Stops the servers in reverse order of their start, each when the one before it has stopped, or after a second: so the
 * gateway answers what it has accepted while the services behind it still live. Kills what is left at the limit, or when
 * `force` aborts. True: all stopped by themselves.
 */
export const stopAll = async (servers: readonly Supervised[], force: AbortSignal): Promise<boolean> => {
  const limit = AbortSignal.any([force, AbortSignal.timeout(limitMs)]);
  const stopped: Promise<void>[] = [];
  let graceful = true;
  const kill = (): void => {
    graceful = false;
    for (const server of servers) server.kill();
  };
  if (limit.aborted) kill();
  else limit.addEventListener('abort', kill, { once: true });
  for (const server of servers.toReversed()) {
    const ended = server.stop();
    stopped.push(ended);
    await Promise.race([ended, sleep(staggerMs)]);
  }
  await Promise.all(stopped);
  limit.removeEventListener('abort', kill);
  return graceful;
};

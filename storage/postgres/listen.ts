/**
 * Hears of revocations and events that other processes write. On a connection of its own, which must lead straight to PostgreSQL: behind a pooler
 * in transaction mode LISTEN is answered, and nothing is ever heard. It only wakes; whoever reads polls as well.
 */
import type { Random } from '@sallyport/kit/random';
import { type Connection, type ConnectOptions, openConnection } from './connection.ts';
import { RefusedServer } from './failure.ts';

export interface Listener {
  stop(): void;
}

const answerLimitMs = 1000;
/** A connection that was cut without a word is found by asking. */
const askPauseMs = 10_000;
const reopenPauseMs = 500;

/**
 * Held by every server on a schema together with others, and alone by whoever copies it: neither comes between the other's steps. Ends
 * with its connection.
 */
export const workLock = (schema: string): string =>
  `hashtextextended('sallyport work ${schema.replaceAll("'", "''")}', 0)`;

/** `channels`: what each of them wakes. The first connection has to succeed. @throws the reason why it did not */
export const listen = async (
  options: Omit<ConnectOptions, 'onEnd' | 'onNotification'>,
  { schema, channels }: { readonly schema: string; readonly channels: Readonly<Record<string, () => void>> },
  random: Pick<Random, 'bytes'>,
): Promise<Listener> => {
  let stopped = false;
  let connection: Connection | undefined;
  let timer: NodeJS.Timeout | undefined;

  const later = (step: () => Promise<void>, pauseMs: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void step(), pauseMs * (0.5 + random.bytes(1).readUInt8() / 255));
  };
  const open = async (): Promise<void> => {
    const onNotification = (channel: string): void => channels[channel]?.();
    const opened = await openConnection({ ...options, onNotification, onEnd: () => later(reopen, reopenPauseMs) });
    connection = opened;
    for (const channel of Object.keys(channels)) await opened.run(`LISTEN "${channel}"`, [], answerLimitMs);
    const [lock] = await opened.run(
      `SELECT pg_try_advisory_lock_shared(${workLock(schema)}) AS held`,
      [],
      answerLimitMs,
    );
    if (lock?.['held'] !== true) {
      opened.giveUp();
      throw new RefusedServer('the store is being copied: start servers when that is over');
    }
    if (stopped) return opened.end();
    later(ask, askPauseMs);
    // What was written while nobody listened.
    for (const wake of Object.values(channels)) wake();
  };
  const reopen = async (): Promise<void> => {
    await open().catch(() => later(reopen, reopenPauseMs));
  };
  const ask = async (): Promise<void> => {
    const asked = connection;
    // Where it fails the connection is given up, which opens another one.
    await asked?.run('SELECT 1 AS one', [], answerLimitMs).then(
      () => later(ask, askPauseMs),
      () => undefined,
    );
  };

  await open().catch((error: unknown) => {
    stopped = true;
    clearTimeout(timer);
    throw error;
  });
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      connection?.end();
    },
  };
};

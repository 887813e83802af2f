/**
 * A number of connections that is never passed. A write has one for itself while it runs, reads share some; whoever waits for one
 * waits no longer than the limit. Where PostgreSQL is away, verbs are refused at once, and it is looked for until it is back.
 */
import type { Random } from '@sallyport/kit/random';
import type { PoolStats } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import type { Connection, SqlRow, SqlValue } from './connection.ts';
import { isWorthRepeating, unavailable } from './failure.ts';

export interface PoolOptions {
  readonly open: (onEnd: () => void) => Promise<Connection>;
  readonly size: number;
  readonly random: Pick<Random, 'bytes'>;
  /** Before each verb, on the connection that it was given; for tests that move the clock. */
  readonly prepare?: ((connection: Connection) => Promise<void>) | undefined;
}

export interface Pool {
  /** Answers, or rejects with StoreUnavailable within 2 s. */
  run(sql: string, values: readonly SqlValue[], isWrite: boolean): Promise<readonly SqlRow[]>;
  readonly stats: PoolStats;
  /** Ends each connection once its verb has been answered. */
  close(): Promise<void>;
}

/** Together below 2 s: the wait for a connection, and the answer. The server's own limit for a statement comes before the second. */
const waitLimitMs = 500;
export const statementLimitMs = 1000;
const answerLimitMs = 1300;
const maxWaiting = 5000;
const maxTries = 4;
/** A server that was demoted, a certificate that was replaced, memory that a backend holds: no connection stays for ever. */
const lifetimeMs = 30 * 60_000;
const firstPauseMs = 100;
const longestPauseMs = 1000;

/** One connection, and the reads on it. */
interface Lane {
  readonly connection: Promise<Connection>;
  readonly startedAtMs: number;
  readers: number;
}

/** Reads on one connection at once. */
const maxReaders = 16;
/** Then the next reads take another one: a connection is looked at whenever it is given back. */
const laneMs = 1000;

interface Waiter {
  resolve(connection: Connection): void;
  reject(error: Error): void;
}

/** The first connection has to succeed. @throws the reason why it did not */
export const openPool = async (options: PoolOptions): Promise<Pool> => {
  const { open, size, random } = options;
  const idle: Connection[] = [];
  const waiting: Waiter[] = [];
  const all = new Set<Connection>();
  let opening = 0;
  let lane: Lane | undefined;
  let pauseMs = firstPauseMs;
  let pause: NodeJS.Timeout | undefined;
  let lastFailure: unknown;
  let closed = false;
  const allEnded = Promise.withResolvers<void>();

  /** Nobody to ask, and who was looked for last was not there. */
  const isDown = (): boolean => all.size === 0 && lastFailure !== undefined;

  const refuseWaiting = (error: unknown): void => {
    for (const waiter of waiting.splice(0)) waiter.reject(unavailable(error, false));
  };

  const hand = (connection: Connection): void => {
    const waiter = waiting.shift();
    if (waiter === undefined) idle.push(connection);
    else waiter.resolve(connection);
  };

  const openOne = async (): Promise<void> => {
    opening += 1;
    let opened: Connection | undefined;
    try {
      const connection = await open(() => lost(opened));
      opened = connection;
      if (closed) return connection.giveUp();
      // It may have ended in the turn in which it was opened.
      if (!connection.alive) throw new Error('ended at once');
      all.add(connection);
      lastFailure = undefined;
      pauseMs = firstPauseMs;
      hand(connection);
    } catch (error) {
      lastFailure = error;
      if (isDown()) refuseWaiting(error);
      lookAgainLater();
    } finally {
      opening -= 1;
    }
  };

  const grow = (): void => {
    if (!closed && pause === undefined && all.size + opening < size) void openOne();
  };

  /** Between half of it and all of it: issuers that lost PostgreSQL together do not come back together. */
  const lookAgainLater = (): void => {
    if (closed || pause !== undefined) return;
    const drawn = pauseMs * (0.5 + random.bytes(1).readUInt8() / 512);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    pause = setTimeout(() => {
      pause = undefined;
      if (all.size === 0 || waiting.length > 0) grow();
    }, drawn);
  };

  function lost(connection: Connection | undefined): void {
    if (connection === undefined || !all.delete(connection)) return;
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    if (closed && all.size === 0) allEnded.resolve();
    if (all.size === 0 || waiting.length > 0) grow();
  }

  const take = (): Promise<Connection> => {
    const free = idle.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (closed) return Promise.reject(new StoreUnavailable(new Error('the store is closed')));
    if (isDown()) return Promise.reject(unavailable(lastFailure, false));
    if (waiting.length >= maxWaiting)
      return Promise.reject(new StoreUnavailable(new Error(`${maxWaiting} verbs wait for a connection`)));
    if (waiting.length >= opening) grow();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: (connection) => {
          clearTimeout(limit);
          resolve(connection);
        },
        reject: (error) => {
          clearTimeout(limit);
          reject(error);
        },
      };
      const limit = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(new StoreUnavailable(new Error(`all ${size} connections were busy for ${waitLimitMs} ms`)));
      }, waitLimitMs);
      waiting.push(waiter);
    });
  };

  const giveBack = (connection: Connection): void => {
    if (!connection.alive) lost(connection);
    else if (closed || performance.now() - connection.openedAtMs > lifetimeMs) connection.end();
    else hand(connection);
  };

  const runOnce = async (sql: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> => {
    const connection = await take();
    try {
      await options.prepare?.(connection);
      return await connection.run(sql, values, answerLimitMs);
    } finally {
      giveBack(connection);
    }
  };

  /**
   * Reads wait for no lock, so that those which come while one is under way go after it on the same connection, in one packet: handing
   * a packet to the system costs an issuer more than anything else here. A write has its connection for itself.
   */
  const runShared = async (sql: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]> => {
    if (lane === undefined || lane.readers >= maxReaders || performance.now() - lane.startedAtMs > laneMs)
      lane = { connection: take(), startedAtMs: performance.now(), readers: 0 };
    const own = lane;
    own.readers += 1;
    try {
      const connection = await own.connection;
      await options.prepare?.(connection);
      return await connection.run(sql, values, answerLimitMs);
    } catch (error) {
      // It may be at its end: nobody else shall join.
      if (lane === own) lane = undefined;
      throw error;
    } finally {
      own.readers -= 1;
      if (own.readers === 0) {
        if (lane === own) lane = undefined;
        own.connection.then(giveBack, () => undefined);
      }
    }
  };

  await openOne();
  if (all.size === 0) {
    clearTimeout(pause);
    closed = true;
    throw lastFailure;
  }
  return {
    stats: {
      size,
      get inUse() {
        return all.size - idle.length;
      },
      get idle() {
        return idle.length;
      },
      get waiting() {
        return waiting.length;
      },
    },
    run: async (sql, values, isWrite) => {
      const started = performance.now();
      for (let tries = 1; ; tries += 1) {
        try {
          return await (isWrite ? runOnce(sql, values) : runShared(sql, values));
        } catch (error) {
          const isLast = tries === maxTries || performance.now() - started > waitLimitMs;
          if (isLast || !isWorthRepeating(error)) throw unavailable(error, isWrite);
        }
      }
    },
    close: async () => {
      closed = true;
      clearTimeout(pause);
      refuseWaiting(new StoreUnavailable(new Error('the store is closed')));
      for (const connection of idle.splice(0)) connection.end();
      if (all.size > 0) await allEnded.promise;
    },
  };
};

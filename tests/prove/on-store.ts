import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import { startRedis } from '@sallyport/storage/redis/testing';
import type { IssuerFolder } from './issuer-process.ts';

/** Which store a proof runs on. `redis`: sessions there, the rest in SQLite. */
export type StoreName = 'sqlite' | 'postgres' | 'redis' | 'postgres+redis';
export const storeNames: readonly string[] = [
  'sqlite',
  'postgres',
  'redis',
  'postgres+redis',
] satisfies readonly StoreName[];

/** How a server goes away: its process is gone, or there and silent. */
export type Outage = 'killed' | 'hung';

export interface ProofStore {
  /** What an issuer has to be told to use it. */
  readonly settings: Readonly<Record<string, string>>;
  /** The number that a query finds, beside the running issuers. */
  count(folder: IssuerFolder, sql: string): Promise<number>;
  /** Kills the server, of two the one with the sessions, with -9 and starts it again. Undefined: there is none. */
  readonly crash?: () => Promise<void>;
  /** The same server goes away. Returns how it comes back. */
  readonly leave?: (outage: Outage) => Promise<() => Promise<void>>;
}

export const sqliteStore: ProofStore = {
  settings: {},
  count: async ({ path }, sql) => {
    const db = new DatabaseSync(join(path, 'sallyport.db'), { readOnly: true });
    const [found] = Object.values(db.prepare(sql).get() ?? {});
    db.close();
    return Number(found);
  },
};

/** Runs it on a store of its own, durable as in production, which is gone afterwards. */
export const onStore = async <T>(name: StoreName, run: (store: ProofStore) => Promise<T>): Promise<T> => {
  if (name === 'sqlite') return run(sqliteStore);
  if (name === 'postgres') return onPostgres(run);
  if (name === 'redis') return withRedis(sqliteStore, run);
  return onPostgres((store) => withRedis(store, run));
};

const onPostgres = async <T>(run: (store: ProofStore) => Promise<T>): Promise<T> => {
  const server = await startPostgres({ fsync: 'on' });
  try {
    return await run({
      settings: { DATABASE_URL: server.url },
      count: async (_, sql) => {
        const connection = rawConnection(server.url, 'sallyport');
        const { rows } = await connection.run(sql);
        await connection.close();
        return Number(Object.values(rows[0] ?? {})[0]);
      },
      crash: () => crash(server),
      leave: (outage) => leave(server, outage),
    });
  } finally {
    await server.stop();
  }
};

const withRedis = async <T>(sql: ProofStore, run: (store: ProofStore) => Promise<T>): Promise<T> => {
  // With `everysec` Redis answers before it has written where the disk is busy: what that loses says docs/guides/redis.md.
  const server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
  try {
    return await run({
      ...sql,
      settings: { ...sql.settings, REDIS_URL: server.url },
      crash: () => crash(server),
      leave: (outage) => leave(server, outage),
    });
  } finally {
    await server.stop();
  }
};

interface Server {
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

const crash = async (server: Server): Promise<void> => {
  await server.kill();
  await server.restart();
};

const leave = async (server: Server, outage: Outage): Promise<() => Promise<void>> => {
  if (outage === 'killed') {
    await server.kill();
    return server.restart;
  }
  server.freeze();
  return async () => server.thaw();
};

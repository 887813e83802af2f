import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startPostgres } from '@sallyport/storage/postgres/testing';
import { rawConnection } from '@sallyport/storage/postgres/testing/raw';
import type { IssuerFolder } from './issuer-process.ts';

/** Which store a proof runs on. */
export type StoreName = 'sqlite' | 'postgres';
export const storeNames: readonly string[] = ['sqlite', 'postgres'] satisfies readonly StoreName[];

export interface ProofStore {
  /** What an issuer has to be told to use it. */
  readonly settings: Readonly<Record<string, string>>;
  /** The number that a query finds, beside the running issuers. */
  count(folder: IssuerFolder, sql: string): Promise<number>;
  /** Kills the server with -9 and starts it again. Undefined: there is none. */
  readonly crash?: () => Promise<void>;
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
      crash: async () => {
        await server.kill();
        await server.restart();
      },
    });
  } finally {
    await server.stop();
  }
};

import { startPostgres } from '@sallyport/storage/postgres/testing';

type Settings = Readonly<Record<string, string>>;

/** Which store a proof runs on. */
export type StoreName = 'sqlite' | 'postgres';
export const storeNames: readonly string[] = ['sqlite', 'postgres'] satisfies readonly StoreName[];

/** Runs it with the settings of a store of its own, durable as in production, which is gone afterwards. */
export const onStore = async <T>(name: StoreName, run: (settings: Settings) => Promise<T>): Promise<T> => {
  if (name === 'sqlite') return run({});
  const server = await startPostgres({ fsync: 'on' });
  try {
    return await run({ DATABASE_URL: server.url });
  } finally {
    await server.stop();
  }
};

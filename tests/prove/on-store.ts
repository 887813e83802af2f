import { startPostgres } from '@sallyport/storage/postgres/testing';
import { startRedis } from '@sallyport/storage/redis/testing';

type Settings = Readonly<Record<string, string>>;

/** Which store a proof runs on. `redis`: sessions there, the rest in SQLite. */
export type StoreName = 'sqlite' | 'postgres' | 'redis' | 'postgres+redis';
export const storeNames: readonly string[] = [
  'sqlite',
  'postgres',
  'redis',
  'postgres+redis',
] satisfies readonly StoreName[];

export interface ProvenStore {
  /** What tells an issuer of it. */
  readonly settings: Settings;
  /** Kills its server, the Redis where it has two, with -9 and starts it again on what lies on its disk. */
  readonly killStore: () => Promise<void>;
}

interface Server {
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs it on a store of its own, durable as in production, which is gone afterwards. */
export const onStore = async <T>(name: StoreName, run: (store: ProvenStore) => Promise<T>): Promise<T> => {
  const servers: Server[] = [];
  const settings: Record<string, string> = {};
  try {
    if (name.includes('postgres')) {
      const server = await startPostgres({ fsync: 'on' });
      servers.push(server);
      settings['DATABASE_URL'] = server.url;
    }
    if (name.includes('redis')) {
      const server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec']);
      servers.push(server);
      settings['REDIS_URL'] = server.url;
    }
    const killStore = async (): Promise<void> => {
      const server = servers.at(-1);
      if (server === undefined) throw new Error('a SQLite file has no server that could be killed');
      await server.kill();
      await server.restart();
    };
    return await run({ settings, killStore });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
};

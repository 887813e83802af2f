/** The stores that a proof can run on: one entry each. `PROVE_STORE` picks one; default sqlite. */
import { startRedis } from '@sallyport/storage/redis/testing';

export interface ProveStore {
  /** What tells an issuer of it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Kills its server with -9 and starts it again on what lies on its disk. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const noServer = async (): Promise<never> => {
  throw new Error('this store has no server of its own to kill: choose another with PROVE_STORE');
};

const stores: Readonly<Record<string, () => Promise<ProveStore>>> = {
  sqlite: async () => ({ settings: {}, kill: noServer, stop: async () => undefined }),
  redis: async () => {
    const server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec']);
    const kill = async () => {
      await server.kill();
      await server.restart();
    };
    return { settings: { REDIS_URL: server.url }, kill, stop: server.stop };
  },
};

export const proveStoreName = (): string => process.env['PROVE_STORE'] ?? 'sqlite';

export const startProveStore = (name = proveStoreName()): Promise<ProveStore> => {
  const start = stores[name];
  if (start === undefined) throw new Error(`PROVE_STORE must be one of ${Object.keys(stores).join(', ')}`);
  return start();
};

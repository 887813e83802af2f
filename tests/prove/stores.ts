/** The stores that a proof can run on: one entry each. `PROVE_STORE` picks one; default sqlite. */
import { startRedis } from '@sallyport/storage/redis/testing';

export interface ProveStore {
  /** What tells an issuer of it. */
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const stores: Readonly<Record<string, () => Promise<ProveStore>>> = {
  sqlite: async () => ({ settings: {}, stop: async () => undefined }),
  redis: async () => {
    const { url, stop } = await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec']);
    return { settings: { REDIS_URL: url }, stop };
  },
};

export const proveStoreName = (): string => process.env['PROVE_STORE'] ?? 'sqlite';

export const startProveStore = (name = proveStoreName()): Promise<ProveStore> => {
  const start = stores[name];
  if (start === undefined) throw new Error(`PROVE_STORE must be one of ${Object.keys(stores).join(', ')}`);
  return start();
};

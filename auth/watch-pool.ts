import type { Metrics } from '@sallyport/kit/metrics';
import type { StoreStats } from '@sallyport/storage/contracts/storage';

/** Shows the connections to PostgreSQL; issuer and relay share it. Without a pool there is nothing to show. */
export const watchPool = (metrics: Metrics, { pool }: Pick<StoreStats, 'pool'>): void => {
  if (pool === undefined) return;
  const gauges = {
    store_pool_size: ['Connections to the store at most (DATABASE_POOL_SIZE).', () => pool.size],
    store_pool_in_use: ['Connections to the store that are in use.', () => pool.inUse],
    store_pool_idle: ['Connections to the store that are free.', () => pool.idle],
    store_pool_waiting: ['Verbs that wait for a connection to the store.', () => pool.waiting],
  } as const;
  for (const [name, [help, collect]] of Object.entries(gauges)) metrics.gauge({ name, help, collect });
};

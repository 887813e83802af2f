/**
 * The Redis driver: rate counters by themselves, and sessions, nonces and attempts for a store that is combined with an SQL one. Keys begin
 * with `sp1:`, what one script touches has one hash tag, and every key expires but the birth mark and effects that wait for their drain.
 * Never: queues a command for later, waits for longer than its limit, or puts an address of Redis or a password into an error.
 */
export type { RedisOptions } from './connection.ts';
export { openRedisNonces, type RedisNonces } from './nonces.ts';
export { openRedisRates, type RedisRates } from './rates.ts';
export { openRedisSessionCache, type SessionCacheOptions } from './session-cache.ts';
export { openRedisStore, type RedisStore, type RedisStoreOptions } from './store.ts';

import { SettingsError } from '@sallyport/kit/config';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { sessionsCompanion } from '@sallyport/storage/contracts/companions';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { RedisStore } from '@sallyport/storage/redis';
import { redisPlace } from '@sallyport/storage/redis/settings';
import { cacheSessions } from './cache-sessions.ts';
import type { AuthSettings } from './config.ts';
import type { OpenedStore } from './open-store.ts';

export interface WithRedis {
  readonly storage: Storage;
  /** Undefined: none is set, and everything stands in SQL. */
  readonly redis?: WatchedRedis;
}

/** For metrics. */
export interface WatchedRedis extends Pick<RedisStore, 'up' | 'birth'> {
  /** How often this process was the one to find Redis empty. */
  readonly emptied: number;
}

export interface WithRedisOptions {
  readonly settings: Pick<AuthSettings, 'redisUrl' | 'redisAddr' | 'redisPassword' | 'redisRole'>;
  readonly sql: OpenedStore;
  readonly random: Random;
  /** Absent (a command that does one thing and ends): nothing is told. */
  readonly log?: Pick<Log, 'info' | 'warn' | 'error'>;
}

/**
 * Puts sessions, nonces and attempts into the Redis of the settings, where they name one. Closes the SQL store where it fails.
 * @throws SettingsError where Redis does not answer or may evict keys
 */
export const withRedis = async (options: WithRedisOptions): Promise<WithRedis> => {
  const { storage: sql } = options.sql;
  const place = redisPlace(options.settings);
  if (place === undefined) return { storage: sql };
  try {
    return await (options.settings.redisRole === 'cache' ? besides(place, options) : combine(place, options));
  } catch (error) {
    await sql.close();
    throw error;
  }
};

/**
 * Rows of sessions that SQL has from the time before Redis are older than what has become of them there: used tokens would be good again.
 * @throws SettingsError where the sessions of this store stand in a Redis
 */
export const refuseWithoutRedis = async ({ companions }: Pick<Storage, 'companions'>): Promise<void> => {
  if (!(await companions.hasCompanion(sessionsCompanion))) return;
  const wayOut = '`sallyport store restored --yes` ends all of them, and the store can be used without it';
  throw new SettingsError([
    {
      setting: 'REDIS_URL',
      problem: `is missing: the sessions of this store stand in a Redis. To leave it, ${wayOut}`,
    },
  ]);
};

/** A cache: away at the start, later, or for good, it costs a line in the log. */
const besides = async (
  { url }: NonNullable<ReturnType<typeof redisPlace>>,
  { sql: { storage: sql, sealer }, random, log }: WithRedisOptions,
): Promise<WithRedis> => {
  if (await sql.companions.hasCompanion(sessionsCompanion))
    throw new SettingsError([
      {
        setting: 'REDIS_ROLE',
        problem: 'is cache, and the sessions of this store stand in that Redis: set it to store',
      },
    ]);
  // A command that does one thing and ends starts no session.
  if (log === undefined) return { storage: sql };
  const { openRedisSessionCache } = await import('@sallyport/storage/redis');
  const onChange = ({ up, reason }: { readonly up: boolean; readonly reason?: string }): void =>
    up
      ? log.info('Redis answers again')
      : log.warn({ reason }, 'Redis does not answer: logins go on without its cache');
  const cache = openRedisSessionCache({ url, sealer, random, onChange });
  const onFailed = (err: unknown): void => log.warn({ err }, 'a session was not cached');
  return { storage: cacheSessions(sql, cache, onFailed) };
};

const combine = async (
  { url, setting }: NonNullable<ReturnType<typeof redisPlace>>,
  { sql: { storage: sql, sealer }, random, log }: WithRedisOptions,
): Promise<WithRedis> => {
  // Whoever has no Redis does not load what speaks to one.
  const { openRedisStore } = await import('@sallyport/storage/redis');
  const { combineStores } = await import('@sallyport/storage/combined');
  const onChange = ({ up, reason }: { readonly up: boolean; readonly reason?: string }): void =>
    up
      ? log?.info('Redis answers again')
      : log?.warn({ reason }, 'Redis does not answer: sessions are unavailable until it does');
  const redis = await openRedisStore({ url, sealer, random, onChange }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new SettingsError([{ setting, problem: `cannot be used: Redis ${reason}` }]);
  });
  if (redis.warning !== undefined) log?.warn({ setting }, redis.warning);
  let emptied = 0;
  const onEmptied = (): void => {
    emptied += 1;
    log?.error(
      { event: 'redis_emptied' },
      'Redis was found empty: the sessions in it are lost, and so are spent nonces',
    );
  };
  try {
    const storage = await combineStores({ sql, redis, ...(log && { onEmptied }) });
    const watched: WatchedRedis = {
      birth: redis.birth,
      get up() {
        return redis.up;
      },
      get emptied() {
        return emptied;
      },
    };
    return { storage, redis: watched };
  } catch (error) {
    redis.close();
    throw error;
  }
};

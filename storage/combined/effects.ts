import type { Effects } from '../contracts/effects.ts';
import { isInRedis, type RedisEffects } from '../redis/effects.ts';
import { mergeEffects } from './merge-effects.ts';

/** The effects of both stores as one list: in Redis those of logins and refreshes, in SQL all others. */
export const combineEffects = (sql: Effects, redis: RedisEffects): Effects => ({
  appendEffects: sql.appendEffects,
  readEffects: async (limit) => {
    const [own, lists] = await Promise.all([sql.readEffects(limit), redis.readLists(limit)]);
    return mergeEffects({ effects: own, cut: own.length === limit }, lists, limit);
  },
  removeEffects: async (drained) => {
    const own = drained.filter((effect) => !isInRedis(effect));
    await Promise.all([redis.removeEffects(drained), own.length === 0 ? undefined : sql.removeEffects(own)]);
  },
});

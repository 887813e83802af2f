import type { Effect, Effects } from '../contracts/effects.ts';
import { type EffectList, isInRedis, type RedisEffects } from '../redis/effects.ts';
import { mergeEffects } from './merge-effects.ts';

/**
 * The effects of both stores as one list: in Redis those of logins and refreshes, in SQL all others. The stores are read one after the
 * other, and one user's effects may follow each other from store to store meanwhile. So:
 *
 * - Redis is read before SQL. What came before anything found in Redis is then in SQL; where it is not among what was read (there is more, or
 *   SQL holds it back for an open transaction, ADR 0020), what is not older than it waits.
 * - What came before anything found in SQL may be in Redis only since. Where SQL had something, Redis is looked at again, and whoever has
 *   something new there waits for the next time.
 */
export const combineEffects = (sql: Effects, redis: RedisEffects): Effects => {
  const readPage: Effects['readEffectsPage'] = async (limit) => {
    const lists = await redis.readLists(limit);
    const page = await sql.readEffectsPage(limit);
    const moving = page.effects.length === 0 ? [] : newcomers(lists, await redis.readLists(limit));
    return { effects: mergeEffects(page, lists, limit, moving) };
  };
  return {
    appendEffects: sql.appendEffects,
    readEffects: async (limit) => (await readPage(limit)).effects,
    readEffectsPage: readPage,
    removeEffects: async (drained) => {
      const own = drained.filter((effect) => !isInRedis(effect));
      await Promise.all([redis.removeEffects(drained), own.length === 0 ? undefined : sql.removeEffects(own)]);
    },
  };
};

/** Users of whom the second look found what the first had not. */
const newcomers = (before: readonly EffectList[], after: readonly EffectList[]): readonly Effect['userId'][] => {
  const known = new Set(before.flatMap(({ effects }) => effects).map(({ id }) => id));
  return after.flatMap(({ effects }) => effects.filter(({ id }) => !known.has(id)).map(({ userId }) => userId));
};

import type { EpochMs } from '@sallyport/contract';
import type { Effect, Effects } from '../contracts/effects.ts';
import type { Revocations, SessionEnd } from '../contracts/revocations.ts';
import { isInRedis, type RedisEffects } from '../redis/effects.ts';
import { mergeEffects } from './merge-effects.ts';

export interface CombinedEffectsOptions {
  readonly sql: Effects;
  readonly redis: RedisEffects;
  readonly ends: Pick<Revocations, 'recordSessionEnds' | 'findSessionEnds'>;
  /** The time by the clock of Redis. */
  readonly look: () => Promise<EpochMs>;
}

/** The effects of both stores as one list. Appended are they in SQL, which loses none. */
export const combineEffects = ({ sql, redis, ends, look }: CombinedEffectsOptions): Effects => {
  /** A node that died between the two has told Redis of an end and not SQL: whoever drains the effect does it. */
  const heal = async (told: readonly SessionEnd[], nowMs: EpochMs): Promise<void> => {
    const due = told.filter(({ keepUntilMs }) => keepUntilMs > nowMs);
    if (due.length === 0) return;
    const known = await ends.findSessionEnds(due.map(({ sessionId }) => sessionId));
    await ends.recordSessionEnds(due.filter(({ sessionId }) => !known.has(sessionId)));
  };

  return {
    appendEffects: sql.appendEffects,
    readEffects: async (limit) => {
      const [own, lists, nowMs] = await Promise.all([sql.readEffects(limit), redis.readLists(limit), look()]);
      await heal(
        lists.flatMap(({ ends: told }) => told),
        nowMs,
      );
      return mergeEffects([{ effects: own, cut: own.length === limit }, ...lists], limit);
    },
    removeEffects: async (drained) => {
      const isOwn = (effect: Effect): boolean => !isInRedis(effect);
      const own = drained.filter(isOwn);
      await Promise.all([redis.removeEffects(drained), own.length === 0 ? undefined : sql.removeEffects(own)]);
    },
  };
};

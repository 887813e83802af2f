/**
 * One store out of two: sessions, nonces and attempts in Redis, which is fast and may go back; everything else in SQL, which may not.
 * Owns: what either has to know of the other. Never: a command or a statement of its own.
 */
import { sessionsCompanion } from '../contracts/companions.ts';
import type { Storage } from '../contracts/storage.ts';
import type { RedisStore } from '../redis/store.ts';
import { combineEffects } from './effects.ts';
import { countSessionsByRoot, readSessionsOfRoot } from './root-keys.ts';
import { combineSessions } from './sessions.ts';

export interface CombineOptions {
  readonly sql: Storage;
  readonly redis: RedisStore;
  /**
   * Told once, over all nodes: Redis was found empty where it had been used before. Its sessions and nonces are lost. Absent: does not
   * look for it, and leaves it to somebody who can tell.
   */
  readonly onEmptied?: () => void;
}

/** Opens nothing; its `close` closes both. Rejects where SQL does not answer. */
export const combineStores = async ({ sql, redis, onEmptied }: CombineOptions): Promise<Storage> => {
  const { revocations } = sql;
  let noted: string | undefined;
  const noteBirth = async (): Promise<void> => {
    const { incarnation } = redis.birth;
    if (onEmptied === undefined || incarnation === noted) return;
    const before = await sql.companions.noteIncarnation(sessionsCompanion, incarnation);
    noted = incarnation;
    if (before !== undefined) onEmptied();
  };
  await noteBirth();
  const effects = combineEffects(sql.effects, redis.effects);
  return {
    ...sql,
    sessions: combineSessions(redis.sessions, revocations),
    nonces: redis.nonces,
    counters: redis.counters,
    effects: {
      ...effects,
      // Whoever drains comes by regularly, on every node: an emptied Redis is found out even where nobody logs in.
      readEffects: async (limit) => {
        const [read] = await Promise.all([effects.readEffects(limit), redis.look()]);
        await noteBirth();
        return read;
      },
    },
    housekeeping: {
      // Sessions, nonces and attempts in Redis go by themselves; what SQL still has of them is from the time before.
      ...sql.housekeeping,
      eraseUser: async (userId, context) => {
        const erasure = await sql.housekeeping.eraseUser(userId, context);
        if (erasure.kind === 'erased') await redis.sessions.forgetUser(userId);
        return erasure;
      },
    },
    rootKeys: {
      ...sql.rootKeys,
      readSessionsOfRoot: (input) => readSessionsOfRoot(sql.accounts, redis.sessions, input),
      countSessionsByRoot: () => countSessionsByRoot(sql.accounts, redis.sessions),
    },
    ping: async () => void (await Promise.all([sql.ping(), redis.look()])),
    close: async () => {
      redis.close();
      await sql.close();
    },
  };
};

/**
 * The effects streams of all shards, read as one list. Nothing here is trimmed by a bound: an entry goes when it has been drained, by
 * its own id, so that an emptied Redis that begins anew cannot lose new ones to an old cursor.
 */
import type { EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';
import type { Act, Effect, EffectData } from '../contracts/effects.ts';
import type { ActContext } from '../contracts/store.ts';
import type { RunCalls } from './connection.ts';
import { effectsKey, isShard, realmOfShard, type Shard, shardCount, shardsOf } from './keys.ts';
import { listReply } from './replies.ts';

/** One shard's effects, oldest first. */
export interface EffectList {
  readonly effects: readonly Effect[];
  /** There may be more behind them. */
  readonly cut: boolean;
}

export interface RedisEffects {
  /** About `limit` of the oldest, from all shards; each user's stand in one list. */
  readLists(limit: number): Promise<readonly EffectList[]>;
  /** Idempotent. */
  removeEffects(drained: readonly Effect[]): Promise<void>;
}

/** A backlog stands in few shards or in all: enough of each that a round has something to do, and none is read whole. */
const leastPerShard = 8;
const positionMark = 'redis ';

export const isInRedis = ({ position }: Effect): boolean => position.startsWith(positionMark);

export const createRedisEffects = (run: RunCalls, realmId: RealmId): RedisEffects => {
  const shards = shardsOf(realmId);
  return {
    readLists: async (limit) => {
      const perShard = Math.max(leastPerShard, Math.ceil((4 * limit) / shardCount));
      const range = (shard: Shard) => ({
        command: ['XRANGE', effectsKey(shard), '-', '+', 'COUNT', String(perShard)],
      });
      const replies = await run(shards.map(range));
      return replies.flatMap((reply, at) => {
        const shard = shards[at];
        const entries = listReply(reply);
        if (shard === undefined || entries.length === 0) return [];
        return [{ effects: entries.map((entry) => effectFrom(entry, shard)), cut: entries.length === perShard }];
      });
    },
    removeEffects: async (drained) => {
      const places = drained.filter(isInRedis).map(placeOf);
      const byShard = Map.groupBy(places, ({ shard }) => shard);
      if (byShard.size === 0) return;
      await run(
        [...byShard].map(([shard, found]) => ({
          command: ['XDEL', effectsKey(shard), ...found.map(({ entryId }) => entryId)],
        })),
      );
    },
  };
};

const placeOf = ({ position }: Effect): { readonly shard: Shard; readonly entryId: string } => {
  const [, shard = '', entryId = ''] = position.split(' ');
  if (!isShard(shard)) throw new TypeError('not a position of this store');
  return { shard, entryId };
};

const effectFrom = (entry: unknown, shard: Shard): Effect => {
  const [entryId, fields] = listReply(entry);
  const list = listReply(fields);
  const member: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) member[String(list[at])] = String(list[at + 1]);
  const { i: id = '', a: act, t: atMs, u: userId, s: sessionId, c: context = '{}', d: data = '' } = member;
  return {
    id,
    position: `${positionMark}${shard} ${String(entryId)}`,
    version: 1,
    realmId: realmOfShard(shard),
    act: act as Act,
    atMs: Number(atMs) as EpochMs,
    userId: userId as UserId,
    sessionId: sessionId as SessionId,
    ...(data !== '' && { data: JSON.parse(data) as EffectData }),
    context: JSON.parse(context) as ActContext,
  };
};

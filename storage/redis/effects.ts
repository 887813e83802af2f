/**
 * The effects streams of all shards, read as one list. Nothing here is trimmed by a bound: an entry goes when it has been drained, by
 * its own id, so that an emptied Redis that begins anew cannot lose new ones to an old cursor.
 */
import type { EpochMs, RealmId, SessionId, UserId } from '@sallyport/contract';
import type { Act, Effect, EffectData } from '../contracts/effects.ts';
import type { ActContext } from '../contracts/store.ts';
import type { RunCalls } from './connection.ts';
import { effectsKey, isShard, realmOfShard, type Shard, shardsOf } from './keys.ts';
import { listReply } from './replies.ts';

/** One shard's effects, oldest first. */
export interface EffectList {
  readonly effects: readonly Effect[];
  /** There may be more behind them. */
  readonly cut: boolean;
}

export interface RedisEffects {
  /** Some `limit` of the oldest, from all shards; each user's stand in one list. */
  readLists(limit: number): Promise<readonly EffectList[]>;
  /** Idempotent. */
  removeEffects(drained: readonly Effect[]): Promise<void>;
}

/** What each shard is asked for first. Where that leaves room, those that have more are asked for the rest. */
const firstPerShard = 8;
const positionMark = 'redis ';

export const isInRedis = ({ position }: Effect): boolean => position.startsWith(positionMark);

export const createRedisEffects = (run: RunCalls, realmId: RealmId): RedisEffects => {
  const shards = shardsOf(realmId);
  /** Entries behind an entry id, `-` for the oldest. */
  const readPages = async (asked: readonly PageStart[], count: number): Promise<readonly Page[]> => {
    const replies = await run(
      asked.map(({ shard, from }) => ({
        command: ['XRANGE', effectsKey(shard), from, '+', 'COUNT', String(count)],
      })),
    );
    return replies.flatMap((reply, at) => {
      const shard = asked[at]?.shard;
      const entries = listReply(reply);
      return shard === undefined ? [] : [{ shard, entries, cut: entries.length === count }];
    });
  };
  return {
    readLists: async (limit) => {
      const first = await readPages(
        shards.map((shard) => ({ shard, from: '-' })),
        Math.min(limit, firstPerShard),
      );
      const room = limit - first.reduce((sum, { entries }) => sum + entries.length, 0);
      const cut = first.filter((page) => page.cut);
      const next = room <= 0 || cut.length === 0 ? [] : await readPages(cut.map(behind), Math.ceil(room / cut.length));
      const nextOf = new Map(next.map((page) => [page.shard, page]));
      return first
        .filter(({ entries }) => entries.length > 0)
        .map(({ shard, entries, cut: isCut }) => {
          const more = nextOf.get(shard);
          const all = more === undefined ? entries : [...entries, ...more.entries];
          return { effects: all.map((entry) => effectFrom(entry, shard)), cut: more?.cut ?? isCut };
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

interface PageStart {
  readonly shard: Shard;
  readonly from: string;
}

interface Page {
  readonly shard: Shard;
  readonly entries: readonly unknown[];
  readonly cut: boolean;
}

const behind = ({ shard, entries }: Page): PageStart => {
  const [lastId] = listReply(entries.at(-1));
  return { shard, from: `(${String(lastId)}` };
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

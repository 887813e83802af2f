import type { EpochMs } from '@sallyport/contract';
import type { Act, Effect } from '../contracts/effects.ts';

export interface SqlPage {
  readonly effects: readonly Effect[];
  /** When the oldest happened that is not among them; undefined: these are all. */
  readonly restSinceMs?: EpochMs;
}

export interface RedisPage {
  readonly effects: readonly Effect[];
  /** There may be more behind them, none of them older than the last. */
  readonly cut: boolean;
}

/** Within one millisecond of two clocks nothing else tells which was first: what begins a thing comes before what ends it. */
const ranks: Readonly<Partial<Record<Act, number>>> = { 'user.created': -2, 'session.started': -1, 'session.ended': 1 };

const inTime = (a: Effect, b: Effect): number => a.atMs - b.atMs || (ranks[a.act] ?? 0) - (ranks[b.act] ?? 0);

/**
 * The oldest effects of both stores, in the order of their times; of one user never a later one without all that came before it. Where a
 * list does not say all, the other gives nothing that something may still come before; and who has to wait with one waits with what follows.
 * `waiting`: users who wait with everything.
 */
export const mergeEffects = (
  sql: SqlPage,
  redis: readonly RedisPage[],
  limit: number,
  waiting: Iterable<Effect['userId']> = [],
): readonly Effect[] => {
  const held = new Set(waiting);
  const restSinceMs = sql.restSinceMs ?? Number.POSITIVE_INFINITY;
  const redisKnownUntilMs = Math.min(...redis.map(knownUntilMs));
  const inOrder = [
    ...sql.effects.map((effect) => ({ effect, untilMs: redisKnownUntilMs })),
    ...redis.flatMap(({ effects }) => effects.map((effect) => ({ effect, untilMs: restSinceMs }))),
  ].sort((a, b) => inTime(a.effect, b.effect));
  const given: Effect[] = [];
  for (const { effect, untilMs } of inOrder) {
    if (given.length === limit) break;
    if (held.has(effect.userId)) continue;
    if (effect.atMs < untilMs) given.push(effect);
    else held.add(effect.userId);
  }
  return given;
};

const knownUntilMs = ({ effects, cut }: RedisPage): number =>
  cut ? Math.max(...effects.map(({ atMs }) => atMs)) : Number.POSITIVE_INFINITY;

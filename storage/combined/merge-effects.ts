import type { Act, Effect } from '../contracts/effects.ts';

export interface EffectPage {
  readonly effects: readonly Effect[];
  /** There may be more behind them. */
  readonly cut: boolean;
}

/** Within one millisecond of two clocks nothing else tells which was first: what begins a thing comes before what ends it. */
const ranks: Readonly<Partial<Record<Act, number>>> = { 'user.created': -2, 'session.started': -1, 'session.ended': 1 };

const inTime = (a: Effect, b: Effect): number => a.atMs - b.atMs || (ranks[a.act] ?? 0) - (ranks[b.act] ?? 0);

/**
 * The oldest effects of both stores, in the order of their times. A user's stand in the list of SQL and in one list of Redis, and whoever hears
 * of them hears of them in order: where a list was cut, anything may follow behind its last, and the other side gives nothing younger.
 */
export const mergeEffects = (sql: EffectPage, redis: readonly EffectPage[], limit: number): readonly Effect[] => {
  const sqlUntilMs = Math.min(...redis.map(horizonMs));
  const redisUntilMs = horizonMs(sql);
  return [
    ...sql.effects.filter(({ atMs }) => atMs <= sqlUntilMs),
    ...redis.flatMap(({ effects }) => effects).filter(({ atMs }) => atMs <= redisUntilMs),
  ]
    .sort(inTime)
    .slice(0, limit);
};

const horizonMs = ({ effects, cut }: EffectPage): number =>
  cut ? Math.max(...effects.map(({ atMs }) => atMs)) : Infinity;

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
 * The oldest effects of several lists, in the order of their times. Behind the last effect of a list that was cut anything may follow, so
 * nothing younger than that is given: a user's effects stand in two lists, and whoever hears of them hears of them in order.
 */
export const mergeEffects = (pages: readonly EffectPage[], limit: number): readonly Effect[] => {
  const ends = pages.filter(({ cut }) => cut).map(({ effects }) => Math.max(...effects.map(({ atMs }) => atMs)));
  const horizonMs = Math.min(...ends);
  return pages
    .flatMap(({ effects }) => effects)
    .filter(({ atMs }) => atMs <= horizonMs)
    .sort(inTime)
    .slice(0, limit);
};

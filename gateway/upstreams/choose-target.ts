import type { Target } from './target.ts';

export interface Choice {
  /** Where the next request goes. Undefined: all are out, and another request is trying one just now. */
  choose(): Target | undefined;
  /** Another one that is in. */
  other(than: object): Target | undefined;
  /** Call after a target went out or came in. */
  update(): void;
}

/** While all are out, one request in this time tries one of them. */
const lastResortMs = 200;

/**
 * The target with less under way of two (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001); the two
 * wander, which spreads as well as chance does. Allocates nothing, and asks for the time only while a target is out.
 */
export const chooseAmong = (targets: readonly Target[], elapsedMs: () => number): Choice => {
  const all = [...targets];
  let live = all;
  let turn = 0;
  let lastResortAtMs = Number.NEGATIVE_INFINITY;

  const lighterOfTwo = (): Target | undefined => {
    const count = live.length;
    if (count < 2) return live[0];
    turn = (turn + 1) >>> 0;
    const at = turn % count;
    const distance = 1 + ((Math.imul(turn, 0x9e3779b1) >>> 16) % (count - 1));
    const first = live[at];
    const second = live[(at + distance) % count];
    return first !== undefined && second !== undefined && second.pending < first.pending ? second : first;
  };

  const lastResort = (nowMs: number): Target | undefined => {
    if (nowMs - lastResortAtMs < lastResortMs) return undefined;
    lastResortAtMs = nowMs;
    turn = (turn + 1) >>> 0;
    return all[turn % all.length];
  };

  const choose = (): Target | undefined => {
    if (live.length === all.length) return lighterOfTwo();
    const nowMs = elapsedMs();
    const tried = live.length === 0 ? lastResort(nowMs) : all.find((target) => target.isDue(nowMs));
    tried?.beginTrial(nowMs);
    return tried ?? lighterOfTwo();
  };

  const other = (than: object): Target | undefined => {
    let best: Target | undefined;
    for (const target of live) {
      if (target !== than && (best === undefined || target.pending < best.pending)) best = target;
    }
    return best;
  };

  return Object.freeze({
    choose,
    other,
    update: () => {
      live = all.filter(({ isIn }) => isIn);
    },
  });
};

import type { AuditOrigin } from '@sallyport/storage/contracts/audit';

/** The numbers that were seen of each boot, as runs without a gap: one run each, where nothing is missing. */
export interface NumberRuns {
  see(origin: AuditOrigin | undefined): void;
  /** The first of them that are missing, boot by boot. `since`: below it nothing is missed, because the chain was cut. */
  missing(limit: number): readonly AuditOrigin[];
}

interface Boot {
  readonly node: string;
  /** First and last number of each run, in order. */
  readonly runs: [number, number][];
}

/**
 * `isCut`: what came before a cut is gone, so that a boot may begin anywhere; and its first numbers may have a gap, since records of one
 * boot stand in the chain nearly in the order of their numbers and not quite.
 */
export const createNumberRuns = (isCut: boolean): NumberRuns => {
  const boots = new Map<string, Boot>();
  return {
    see: (origin) => {
      if (origin === undefined) return;
      const key = `${origin.node} ${origin.boot}`;
      const boot = boots.get(key) ?? { node: origin.node, runs: [] };
      boots.set(key, boot);
      add(boot.runs, origin.number);
    },
    missing: (limit) => {
      const found: AuditOrigin[] = [];
      for (const [key, { node, runs }] of boots) {
        const name = { node, boot: key.slice(node.length + 1) };
        for (const number of gaps(runs, isCut)) {
          if (found.length >= limit) return found;
          found.push({ ...name, number });
        }
      }
      return found;
    },
  };
};

/** How far from the place of a cut a boot's numbers may be out of order: two batches of the drain. */
const outOfOrder = 1000;

function* gaps(runs: readonly (readonly [number, number])[], isCut: boolean): Generator<number> {
  let next = isCut ? (runs[0]?.[0] ?? 1) : 1;
  const from = isCut ? next + outOfOrder : 1;
  for (const [first, last] of runs) {
    for (let number = Math.max(next, from); number < first; number += 1) yield number;
    next = last + 1;
  }
}

/** Nearly always it goes on with the last run. */
const add = (runs: [number, number][], number: number): void => {
  let at = runs.length - 1;
  while (at >= 0 && (runs[at]?.[0] ?? 0) > number) at -= 1;
  const run = runs[at];
  const next = runs[at + 1];
  if (run !== undefined && number <= run[1]) return;
  if (run !== undefined && number === run[1] + 1) {
    run[1] = number;
    if (next !== undefined && next[0] === number + 1) {
      run[1] = next[1];
      runs.splice(at + 1, 1);
    }
  } else if (next !== undefined && next[0] === number + 1) next[0] = number;
  else runs.splice(at + 1, 0, [number, number]);
};

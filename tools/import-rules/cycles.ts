import type { Check } from './rules.ts';
import type { Source } from './source.ts';

/**
 * No file reaches itself through imports. Types count too: two files that need each other's types are one idea cut in two.
 * Across packages the table of who may import whom has no circle, so relative imports are all there is to follow.
 */
export const cycles: Check = ({ sources }) => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reported = new Set<string>();
  return sources.flatMap((source) => {
    if (reported.has(source.path)) return [];
    const circle = shortestWayBack(source, byPath);
    if (circle === undefined) return [];
    for (const path of circle) reported.add(path);
    const line = source.references.find(({ target }) => target === circle[1])?.line ?? 1;
    return [{ file: source.path, line, rule: 'cycle', message: circle.join(' -> ') }];
  });
};

/** Breadth first: `[start, …, start]`, undefined when no import leads back. */
function shortestWayBack(start: Source, byPath: ReadonlyMap<string, Source>): string[] | undefined {
  const ways: string[][] = [[start.path]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const { target } of byPath.get(way.at(-1) ?? '')?.references ?? []) {
      if (target === start.path) return [...way, target];
      if (target === undefined || seen.has(target)) continue;
      seen.add(target);
      ways.push([...way, target]);
    }
  }
  return undefined;
}

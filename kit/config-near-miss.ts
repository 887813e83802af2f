import type { SettingProblem } from './config-error.ts';

/** Names with this prefix are ours: unknown ones are refused whatever they look like. */
const ownPrefix = 'SALLYPORT_';
/** Shorter names are too close to everything. */
const shortestName = 8;
const nearestDistance = 2;

/** What Kubernetes puts into every pod for each service of its namespace: nobody wrote these. */
const serviceLink = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP)(_\w+)?$/;

/**
 * Names of the environment that look like a misspelt setting. A setting that is silently ignored is one that the
 * operator believes to be in force. `known` are all names that any server knows, with aliases and `_FILE` variants.
 */
export const misspeltNames = (given: readonly string[], known: readonly string[]): SettingProblem[] => {
  const knownNames = new Set(known);
  return given.filter((name) => !knownNames.has(name)).flatMap((name) => misspelt(name, known));
};

const misspelt = (name: string, known: readonly string[]): SettingProblem[] => {
  const folded = name.toUpperCase();
  const own = folded.startsWith(ownPrefix);
  if (!own && (name.length < shortestName || serviceLink.test(name))) return [];
  const match = nearestName(folded, known);
  if (match !== undefined) return [{ setting: name, problem: `is not a setting; did you mean ${match}?` }];
  return own
    ? [{ setting: name, problem: `is not a setting, and names with ${ownPrefix} are reserved: remove it` }]
    : [];
};

/** The nearest of `known` within distance 2, if there is one. */
export const nearestName = (name: string, known: readonly string[]): string | undefined => {
  const near = known
    .filter((other) => Math.abs(other.length - name.length) <= nearestDistance)
    .map((other) => ({ other, distance: editDistance(name, other) }))
    .filter(({ distance }) => distance <= nearestDistance)
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.other;
};

/** Levenshtein distance: insertions, deletions and substitutions, row by row. */
export const editDistance = (from: string, to: string): number => {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
};

import { covers, matchesAny } from './match.ts';
import type { AreaRule, Check } from './rules.ts';
import { productCode, type Reference, type Source } from './source.ts';

const scope = '@sallyport/';

/** Inside a package: main -> server -> app -> rooms, and no room knows another. */
export const insideLayers: Check = (tree, rules) =>
  productCode(tree).flatMap((source) => {
    const area = rules.inside[source.package ?? '']?.find(({ files }) => matchesAny(source.within, files));
    if (area === undefined) return [];
    return source.references
      .filter((reference) => !isAllowed(source, area, reference))
      .map(({ specifier, line }) => ({
        file: source.path,
        line,
        rule: 'inside-layer',
        message: `${area.area} imports ${specifier}; it may import: ${allowedText(source, area)}`,
      }));
  });

function isAllowed(source: Source, area: AreaRule, { specifier, target, typeOnly }: Reference): boolean {
  if (target === undefined) {
    if (!specifier.startsWith(scope) || area.packages === undefined) return true;
    return covers(specifier.slice(scope.length), area.packages);
  }
  const prefix = `${source.package}/`;
  // Another package: `package-layers.ts` has said so already.
  if (!target.startsWith(prefix)) return true;
  const within = target.slice(prefix.length);
  if (matchesAny(within, area.except ?? [])) return false;
  if (matchesAny(within, own(source, area.imports))) return true;
  return typeOnly && matchesAny(within, area.typesOnly ?? []);
}

const own = (source: Source, patterns: readonly string[]): string[] =>
  patterns.map((pattern) => pattern.replace('<own>', source.within.split('/')[0] ?? ''));

function allowedText(source: Source, area: AreaRule): string {
  const except = (area.except ?? []).map((name) => `not ${name}`);
  const types = (area.typesOnly ?? []).map((name) => `types of ${name}`);
  const packages = (area.packages ?? []).map((name) => scope + name);
  return [...own(source, area.imports), ...except, ...types, ...packages].join(', ');
}

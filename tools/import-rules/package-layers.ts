import { covers } from './match.ts';
import type { Check, PackageRule, Rules } from './rules.ts';
import type { Reference, Source } from './source.ts';
import type { Violation } from './violation.ts';

const scope = '@sallyport/';

/** One package speaks to another through its entries only, and only to those that the table allows it. */
export const packageLayers: Check = (tree, rules) =>
  tree.sources.flatMap((source) =>
    source.references.flatMap((reference) => {
      const found = refusal(source, reference, rules);
      return found === undefined ? [] : [{ file: source.path, line: reference.line, ...found }];
    }),
  );

function refusal(source: Source, reference: Reference, rules: Rules): Omit<Violation, 'file' | 'line'> | undefined {
  const { specifier, target } = reference;
  if (target !== undefined) {
    if (source.package === undefined || target.startsWith(`${source.package}/`)) return undefined;
    return {
      rule: 'relative-across-packages',
      message: `${specifier} leaves the package: import ${scope}<package>/<entry>`,
    };
  }
  if (!specifier.startsWith(scope) || source.package === undefined) return undefined;
  const entry = specifier.slice(scope.length);
  if (covers(entry, [source.package])) {
    return { rule: 'own-package-by-name', message: `${specifier} is this package: import the file itself` };
  }
  if (source.isTest) return undefined;
  const rule = ruleOf(source.package, rules);
  if (rule === undefined)
    return { rule: 'package-layer', message: `${source.package} stands in no table of who may import whom` };
  if (!covers(entry, rule.imports)) {
    const allowed = rule.imports.join(', ') || 'nothing';
    return { rule: 'package-layer', message: `${source.package} imports ${specifier}; it may import: ${allowed}` };
  }
  if (covers(entry, rule.typesOnly ?? []) && !reference.typeOnly) {
    return { rule: 'types-only', message: `${source.package} may take only types from ${specifier}` };
  }
  return undefined;
}

const ruleOf = (name: string, { packages }: Rules): PackageRule | undefined =>
  packages[name] ?? packages[`${name.split('/')[0]}/*`];

import { matchesAny } from './match.ts';
import type { Check, ExternalRule } from './rules.ts';
import { productCode, type Reference, type Source } from './source.ts';

/** Modules of npm and Node that only some places may import. Types count as well: a driver's types tie as its code does. */
export const externals: Check = (tree, rules) =>
  productCode(tree).flatMap((source) =>
    source.references.flatMap((reference) =>
      rules.externals
        .filter((rule) => isRefused(source, reference, rule))
        .map(({ because }) => ({
          file: source.path,
          line: reference.line,
          rule: 'external',
          message: `${reference.specifier} may not be imported here: ${because}`,
        })),
    ),
  );

function isRefused({ path }: Source, { specifier, target }: Reference, rule: ExternalRule): boolean {
  if (target !== undefined || specifier.startsWith('@sallyport/')) return false;
  if (rule.within !== undefined && !matchesAny(path, rule.within)) return false;
  if (matchesAny(path, rule.only)) return false;
  return rule.modules.some((name) => name === '*' || specifier === name || specifier.startsWith(`${name}/`));
}

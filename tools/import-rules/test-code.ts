import { matchesAny } from './match.ts';
import type { Check } from './rules.ts';
import { productCode } from './source.ts';

/** What serves only tests is not part of the product. An entry for other packages' tests is no import, and may name it. */
export const testCode: Check = (tree, { tests }) =>
  productCode(tree).flatMap((source) =>
    source.references
      .filter(
        ({ target, specifier }) => matchesAny(target ?? '', tests) || /^(vitest|fast-check)(\/|$)/.test(specifier),
      )
      .map(({ specifier, line }) => ({
        file: source.path,
        line,
        rule: 'test-in-product',
        message: `${specifier} serves tests only`,
      })),
  );

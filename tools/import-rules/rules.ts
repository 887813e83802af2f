/** The shape of the tables in `import-rules.ts`, and of what a check returns. Patterns are globs on paths with `/`. */
import type { Tree } from './source.ts';
import type { Violation } from './violation.ts';

export interface PackageRule {
  readonly imports: readonly string[];
  /** Entries that may be imported with `import type` only. */
  readonly typesOnly?: readonly string[];
}

export interface AreaRule {
  readonly area: string;
  readonly files: readonly string[];
  readonly imports: readonly string[];
  readonly except?: readonly string[];
  readonly typesOnly?: readonly string[];
  readonly packages?: readonly string[];
}

export interface ExternalRule {
  /** Module names (`mysql2` covers `mysql2/promise`); `*` is every module that is not ours. */
  readonly modules: readonly string[];
  /** Files the rule is about; all when left out. */
  readonly within?: readonly string[];
  /** Files that may import the modules all the same. */
  readonly only: readonly string[];
  readonly because: string;
}

export interface Rules {
  readonly packages: Readonly<Record<string, PackageRule>>;
  readonly inside: Readonly<Record<string, readonly AreaRule[]>>;
  readonly externals: readonly ExternalRule[];
  readonly pure: {
    readonly files: readonly string[];
    readonly packages: readonly string[];
    readonly globals: readonly string[];
  };
  readonly lists: readonly string[];
  readonly namesRefused: readonly string[];
  readonly sql: { readonly only: readonly string[] };
  readonly tests: readonly string[];
}

export type Check = (tree: Tree, rules: Rules) => Violation[];

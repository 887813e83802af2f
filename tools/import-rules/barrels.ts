import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { matchesAny } from './match.ts';
import type { Check } from './rules.ts';
import type { Source, Tree } from './source.ts';

/** A file that only passes on what others export hides where things are; a package's entries and the explicit lists may. */
export const barrels: Check = (tree, rules) => {
  const entries = new Map<string, readonly string[]>();
  return tree.sources
    .filter((source) => onlyReExports(source) && !matchesAny(source.path, rules.lists))
    .filter((source) => !matchesAny(source.path, entriesOf(source, tree, entries)))
    .map(({ path }) => ({
      file: path,
      line: 1,
      rule: 'barrel',
      message: 'it only re-exports: import from the files themselves',
    }));
};

function onlyReExports({ program }: Source): boolean {
  const statements = program.body.filter(({ type }) => type !== 'ImportDeclaration');
  const imported = new Set(
    program.body.flatMap((statement) =>
      statement.type === 'ImportDeclaration' ? statement.specifiers.map(({ local }) => local.name) : [],
    ),
  );
  if (statements.length === 0) return false;
  return statements.every((statement) => {
    if (statement.type === 'ExportAllDeclaration') return true;
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration !== null) return false;
    if (statement.source !== null) return true;
    return statement.specifiers.every(({ local }) => 'name' in local && imported.has(local.name));
  });
}

/** The files that the package's `exports` name, as patterns below the root. */
function entriesOf(
  { package: folder }: Source,
  { root }: Tree,
  known: Map<string, readonly string[]>,
): readonly string[] {
  if (folder === undefined) return [];
  const found = known.get(folder) ?? readEntries(root, folder);
  known.set(folder, found);
  return found;
}

function readEntries(root: string, folder: string): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    exports?: Readonly<Record<string, string>>;
  };
  return Object.values(exports ?? {}).map((path) => posix.join(folder, path));
}

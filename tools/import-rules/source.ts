/** Reads a tree of TypeScript once, for all checks: what each file imports, its syntax tree, the package it belongs to. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type ParseResult, type Program, parseSync } from 'oxc-parser';
import { matchesAny } from './match.ts';
import type { Violation } from './violation.ts';
import { type AstNode, walk } from './walk.ts';

export interface Reference {
  /** As written: `./login.ts`, `@sallyport/kit/log`, `node:fs`. */
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
  /** Path below the root that a relative specifier names. */
  readonly target: string | undefined;
}

export interface Source {
  readonly path: string;
  /** Folder of the package (`auth`, `examples/microservices`), undefined for a file of the root. */
  readonly package: string | undefined;
  /** Path inside the package. */
  readonly within: string;
  readonly isTest: boolean;
  readonly program: Program;
  readonly references: readonly Reference[];
  readonly lineOf: (offset: number) => number;
}

export interface Tree {
  readonly root: string;
  readonly sources: readonly Source[];
  /** Files that do not parse. */
  readonly violations: readonly Violation[];
}

export const productCode = (tree: Tree): readonly Source[] => tree.sources.filter((source) => !source.isTest);

const skipped = new Set(['node_modules', 'data', 'test-output', 'coverage', 'docs', 'dist']);
const extensions = ['.ts', '.mts', '.mjs', '.js'];

export function readTree(root: string, tests: readonly string[]): Tree {
  const sources: Source[] = [];
  const violations: Violation[] = [];
  for (const path of listFiles(root, '')) {
    const text = readFileSync(join(root, path), 'utf8');
    const parsed = parseSync(path, text);
    const lineOf = lineCounter(text);
    for (const { message, labels } of parsed.errors) {
      violations.push({ file: path, line: lineOf(labels[0]?.start ?? 0), rule: 'parse', message });
    }
    const program = parsed.program;
    const references = referencesOf(path, parsed, program, text, lineOf);
    sources.push({ path, ...placeOf(path), isTest: matchesAny(path, tests), program, references, lineOf });
  }
  return { root, sources, violations };
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && !skipped.has(name))
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return listFiles(root, path);
      return extensions.includes(posix.extname(path)) ? [path] : [];
    });
}

/** `examples/<name>` is a package of its own; every other package is a folder of the root. */
function placeOf(path: string): { package: string | undefined; within: string } {
  const folders = path.split('/');
  const depth = folders[0] === 'examples' ? 2 : 1;
  if (folders.length <= depth) return { package: undefined, within: path };
  return { package: folders.slice(0, depth).join('/'), within: folders.slice(depth).join('/') };
}

function referencesOf(
  path: string,
  { module }: ParseResult,
  program: Program,
  text: string,
  lineOf: (offset: number) => number,
): Reference[] {
  const found: Reference[] = [];
  const add = (specifier: string, typeOnly: boolean, start: number): void => {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
    found.push({ specifier, typeOnly, line: lineOf(start), target });
  };
  for (const { moduleRequest, entries, start } of module.staticImports) {
    add(moduleRequest.value, entries.length > 0 && entries.every((entry) => entry.isType), start);
  }
  for (const { entries, start } of module.staticExports) {
    const [first] = entries;
    if (first?.moduleRequest) {
      add(
        first.moduleRequest.value,
        entries.every((entry) => entry.isType),
        start,
      );
    }
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const literal = /^(['"`])([^'"`$]+)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    if (literal?.[2] !== undefined) add(literal[2], false, start);
  }
  walk(program, (node) => {
    if (node.type !== 'TSImportType') return;
    const { source } = node as AstNode & { source: { value: string } };
    add(source.value, true, node.start);
  });
  return found;
}

function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next === -1 ? starts.length : next;
  };
}

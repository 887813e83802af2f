import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';

/** A place in the file, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What a file says, and where it says it. */
export interface SourceText {
  readonly value: unknown;
  readonly problems: readonly { readonly place: Place; readonly problem: string }[];
  /** Where the member of a JSON pointer stands, or the nearest one above it. */
  placeOf(pointer: string): Place;
}

/**
 * YAML 1.2, core schema: `no` and `on` are words, dates are text. Refused: a member named twice, several documents, tags,
 * and aliases, which can make a file of a kilobyte into one of gigabytes and put one rule in force at a distance.
 */
export const readYaml = (text: string): SourceText => {
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    merge: false,
    resolveKnownTags: false,
    lineCounter: lines,
  });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems = [...doc.errors, ...doc.warnings].map(({ pos, message }) => ({
    place: at(pos[0]),
    // The message goes on with an excerpt of the file.
    problem: message.split(/ at line \d+|;|\n/)[0] ?? 'is not YAML',
  }));
  problems.push(...aliases(doc).map((offset) => ({ place: at(offset), problem: 'Aliases are refused: write it out' })));
  return Object.freeze({
    value: problems.length > 0 ? undefined : (doc.toJS({ maxAliasCount: 0 }) as unknown),
    problems,
    placeOf: (pointer: string) => at(offsetOf(doc.contents, pointer)),
  });
};

const aliases = (doc: Document): number[] => {
  const found: number[] = [];
  visit(doc, { Alias: (_, { range }) => void found.push(range?.[0] ?? 0) });
  return found;
};

const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** Where a pointer's last member that is there begins; of a member of a map, its name. */
const offsetOf = (root: Node | null, pointer: string): number => {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of pointer.split('/').slice(1).map(unescaped)) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    const next = childOf(node, part);
    const begin = isPair(pair) ? rangeOf(pair.key) : rangeOf(next);
    if (begin === undefined) break;
    offset = begin;
    node = next;
  }
  return offset;
};

const childOf = (node: unknown, part: string): unknown => {
  if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return undefined;
  const items: readonly unknown[] = node.items;
  if (!isMap(node)) return items[Number(part)];
  return node.items.find(({ key }) => isScalar(key) && key.value === part)?.value;
};

const rangeOf = (node: unknown): number | undefined =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined;

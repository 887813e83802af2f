import { errorForLog } from './log-error.ts';

/** The JSON schema keyword by which a route's schema marks a member whose value may stand in no log line. */
const secretTag = 'secret';
const schemaDepthLimit = 12;
const lineDepthLimit = 8;
const anyMember = '*';

/**
 * The paths of all members tagged `secret: true` in a JSON schema (TypeBox schemas are such), as JSON pointers in which a
 * star stands for array items and free members: `/password`, `/user/token`. Sorted, each once; a tag covers what is below.
 */
export const redactPathsOf = (schema: unknown): readonly string[] => {
  const paths = new Set<string>();
  collect(schema, '', schemaDepthLimit, paths);
  return [...paths].sort();
};

const collect = (schema: unknown, path: string, depthLeft: number, paths: Set<string>): void => {
  if (!isObject(schema)) return;
  // A path that would be left out silently is a leak: a schema this deep is refused.
  if (depthLeft === 0)
    throw new RangeError(`redactPathsOf: schema nests deeper than ${schemaDepthLimit} levels at ${path}`);
  if (schema[secretTag] === true && path !== '') {
    paths.add(path);
    return;
  }
  for (const [member, inner] of membersOf(schema, path)) collect(inner, member, depthLeft - 1, paths);
};

const membersOf = (schema: Readonly<Record<string, unknown>>, path: string): [path: string, schema: unknown][] => {
  const inside = (keyword: string): object =>
    isObject(schema[keyword]) || Array.isArray(schema[keyword]) ? schema[keyword] : {};
  const named = Object.entries(inside('properties')).map(([name, inner]): [string, unknown] => [
    `${path}/${name}`,
    inner,
  ]);
  const single = ['items', 'additionalProperties'].map((keyword) => schema[keyword]);
  const several = ['prefixItems', 'patternProperties'].flatMap((keyword) => Object.values(inside(keyword)));
  const same = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) => Object.values(inside(keyword)));
  return [
    ...named,
    ...[...single, ...several].map((inner): [string, unknown] => [`${path}/${anyMember}`, inner]),
    ...same.map((inner): [string, unknown] => [path, inner]),
  ];
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export type Redact = (line: Record<string, unknown>) => Record<string, unknown>;

/**
 * Copies a line without secrets. A path is matched by its end, at any depth and in any case: `/user/token` covers
 * `request.body.user.token` too. Errors become what `errorForLog` tells, bytes their count; what nests too deep is cut.
 * By hand because pino's own redaction costs 50 to 100 us a line with as many paths, this one 2 to 4.
 */
export const createRedact = (paths: readonly string[]): Redact => {
  const byName = new Map<string, string[][]>();
  for (const path of paths) {
    const [name = '', ...above] = path.toLowerCase().split('/').slice(1).reverse();
    byName.set(name, [...(byName.get(name) ?? []), above]);
  }
  const ends = byName.get(anyMember) ?? [];

  const isSecret = (name: string, trail: readonly string[]): boolean => {
    const candidates = byName.get(name);
    return (candidates?.some((above) => endsIn(trail, above)) ?? false) || ends.some((above) => endsIn(trail, above));
  };

  const copyMembers = (value: object, trail: readonly string[]): Record<string, unknown> => {
    const copy: Record<string, unknown> = {};
    for (const [member, inner] of Object.entries(value)) {
      const name = member.toLowerCase();
      if (isSecret(name, trail)) copy[member] = '[redacted]';
      else copy[member] = isPlain(inner) && name !== 'err' ? inner : copyValue(inner, [...trail, name]);
    }
    return copy;
  };

  const copyValue = (value: unknown, trail: readonly string[]): unknown => {
    if (value instanceof Error || trail.at(-1) === 'err') return errorForLog(value);
    if (isPlain(value) || value instanceof Date || value instanceof URL) return value;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (trail.length >= lineDepthLimit) return '[too deep]';
    if (Array.isArray(value)) return Object.values(copyMembers(value, trail));
    return isRecord(value) ? copyMembers(value, trail) : `[${nameOfClass(value)}]`;
  };

  return (line) => copyMembers(line, []);
};

/** An instance of a class (a request, a connection) holds more than anyone means to log: it is named, not opened. */
const isRecord = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

const nameOfClass = (value: unknown): string =>
  typeof value === 'object' ? (value?.constructor.name ?? 'null') : typeof value;

const isPlain = (value: unknown): boolean =>
  (typeof value !== 'object' && typeof value !== 'function') || value === null;

/** `above` runs from the inside out; `*` stands for any one name. */
const endsIn = (trail: readonly string[], above: readonly string[]): boolean =>
  above.every((name, up) => {
    const found = trail[trail.length - 1 - up];
    return found !== undefined && (name === anyMember || name === found);
  });

/** The JSON schema keyword by which a route's schema marks a member whose value may stand in no log line. */
const secretTag = 'secret';
const depthLimit = 12;
const plainName = /^[A-Za-z_$][\w$]*$/;

/**
 * The paths of all members tagged `secret: true` in a JSON schema (TypeBox schemas are such), in pino's spelling:
 * `password`, `user.token`, `codes[*].value`, `["x-csrf-token"]`. Sorted, each once. A tag on a member covers what is below.
 */
export const redactPathsOf = (schema: unknown): readonly string[] => {
  const paths = new Set<string>();
  collect(schema, '', depthLimit, paths);
  return [...paths].sort();
};

const collect = (schema: unknown, path: string, depthLeft: number, paths: Set<string>): void => {
  if (!isObject(schema)) return;
  // A path that would be left out silently is a leak: a schema this deep is refused.
  if (depthLeft === 0) throw new RangeError(`redactPathsOf: schema nests deeper than ${depthLimit} levels at ${path}`);
  if (schema[secretTag] === true && path !== '') {
    paths.add(path);
    return;
  }
  for (const [member, inner] of membersOf(schema, path)) collect(inner, member, depthLeft - 1, paths);
};

const membersOf = (schema: Readonly<Record<string, unknown>>, path: string): [path: string, schema: unknown][] => [
  ...Object.entries(isObject(schema['properties']) ? schema['properties'] : {}).map(
    ([name, inner]): [string, unknown] => [join(path, name), inner],
  ),
  ...['items', 'additionalProperties'].map((keyword): [string, unknown] => [`${path}[*]`, schema[keyword]]),
  ...['prefixItems', 'patternProperties'].flatMap((keyword) =>
    Object.values(schema[keyword] ?? {}).map((inner): [string, unknown] => [`${path}[*]`, inner]),
  ),
  ...['allOf', 'anyOf', 'oneOf'].flatMap((keyword) =>
    Object.values(schema[keyword] ?? {}).map((inner): [string, unknown] => [path, inner]),
  ),
];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const join = (path: string, name: string): string => {
  if (!plainName.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
};

/** Each path at the root of a line, and one and two levels below it (`body.password`, `request.headers.authorization`). */
export const nestedPaths = (paths: readonly string[]): string[] => {
  const below = (prefix: string, path: string) => (path.startsWith('[') ? `${prefix}${path}` : `${prefix}.${path}`);
  return [...new Set(paths.flatMap((path) => [path, below('*', path), below('*.*', path)]))];
};

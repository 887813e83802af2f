import { nearestName } from '@sallyport/kit/config-near-miss';
import { Settings } from 'typebox/system';
import { forms, members } from './schema.ts';

/** One thing that is wrong, or worth a thought. */
export interface RouteProblem {
  /** Where: a JSON pointer (RFC 6901) into the file, for example `/routes/3/access`. */
  readonly pointer: string;
  /** As the rest of a sentence that begins with the place. */
  readonly problem: string;
}

interface FormError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

interface Form {
  Errors(value: unknown): readonly FormError[];
}

/** The library stops at eight unless it is told otherwise, and it can only be told for everybody. */
const maxErrors = 256;

const errorsOf = (form: Form, value: unknown): readonly FormError[] => {
  const { maxErrors: before } = Settings.Get();
  Settings.Set({ maxErrors });
  try {
    return form.Errors(value);
  } finally {
    Settings.Set({ maxErrors: before });
  }
};

/** What may be written at a place, where the schema's pattern would be no help to a reader. */
const advice: readonly (readonly [place: RegExp, text: string])[] = [
  [/^\/services\/\d+\/id$/, 'must be lower-case letters, digits and `-`'],
  [
    /^\/services\/\d+\/url/,
    'must be an origin such as http://users:8082 (no path, no user), a list of them, or a setting such as userServiceUrl',
  ],
  [
    /^\/services\/\d+\/health(?:\/path)?$/,
    'must be a plain path such as /health, or {path, intervalSeconds, timeoutSeconds, failures, successes}',
  ],
  [
    /^\/routes\/\d+\/path$/,
    'must be a plain path such as /users or /users/*: no trailing slash, no encoding, no pattern',
  ],
  [/^\/routes\/\d+\/hosts/, 'must be a list of host names in lower case, without port'],
  [/^\/routes\/\d+\/stripPrefix$/, 'must be a plain path such as /api/v1'],
  [/^\/routes\/\d+\/access$/, 'must be public, optional or required'],
  [/^\/routes\/\d+\/methods/, 'must be a list of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
  [/^\/routes\/\d+\/issuers/, 'must be a list of short names of issuers, such as own'],
  [/^\/routes\/\d+\/csrf$/, 'must be always, cookie or never'],
  [/^\/routes\/\d+\/whenRevocationUnknown$/, 'must be refuse or accept'],
  [/^\/routes\/\d+\/answer$/, 'must be health or ready'],
  [
    /^\/routes\/\d+\/(?:roles|permissions|scopes)/,
    'must be a list of names, or {any: […], all: […]}; a name holds no comma, no space',
  ],
  [/\/group$/, 'must be lower-case letters, digits and `-`'],
  [/^\/version$/, 'must be 1'],
];

/** What a union says besides, and what a closed object says once for each member. */
const echoes: readonly string[] = ['boolean', 'anyOf', 'const', 'minProperties'];

const adviceFor = (pointer: string): string | undefined => advice.find(([place]) => place.test(pointer))?.[1];

const unknownMember = (name: string, known: readonly string[]): string => {
  const near = nearestName(name, known);
  return `is not known; ${near === undefined ? 'remove it' : `did you mean ${near}?`}`;
};

const listOf = (params: object, name: string): readonly string[] => {
  const list: unknown = Reflect.get(params, name);
  return Array.isArray(list) ? list.map(String) : [];
};

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const problemsOf = (base: string, error: FormError, membersAt: (path: string) => readonly string[]): RouteProblem[] => {
  const { keyword, instancePath, params, message } = error;
  const pointer = `${base}${instancePath}`;
  const said = adviceFor(pointer);
  if (echoes.includes(keyword) && (said === undefined || keyword === 'boolean')) return [];
  if (keyword === 'additionalProperties' && (said === undefined || membersAt(instancePath).length > 0)) {
    const known = membersAt(instancePath);
    return listOf(params, 'additionalProperties').map((name) => ({
      pointer: `${pointer}/${escaped(name)}`,
      problem: unknownMember(name, known),
    }));
  }
  if (keyword === 'required') {
    return listOf(params, 'requiredProperties').map((name) => ({ pointer, problem: `has no ${name}` }));
  }
  if (said !== undefined) return [{ pointer, problem: said }];
  return [{ pointer, problem: message }];
};

const needsPath = /^\/(?:roles|permissions|scopes)$/;

const membersOf =
  (form: keyof typeof forms) =>
  (path: string): readonly string[] => {
    if (path === '') return members[form];
    if (path === '/health') return members.health;
    if (path === '/limits') return members.limits;
    if (path === '/limits/user') return members.userLimit;
    return needsPath.test(path) ? members.needs : [];
  };

/** A misspelt member is not missing too: it is told once, by its name. */
const isMisspelt = ({ pointer, problem }: RouteProblem, all: readonly RouteProblem[]): boolean => {
  const [, name] = /^has no (\w+)$/.exec(problem) ?? [];
  const advised = `; did you mean ${name}?`;
  return all.some((other) => other.pointer.startsWith(`${pointer}/`) && other.problem.endsWith(advised));
};

const check = (form: keyof typeof forms, value: unknown, base = ''): RouteProblem[] => {
  const told = errorsOf(forms[form], value).flatMap((error) => problemsOf(base, error, membersOf(form)));
  const all = told.filter((one) => !isMisspelt(one, told));
  // A union complains once for each of its members.
  return all.filter(
    ({ pointer, problem }, at) => at === all.findIndex((one) => one.pointer === pointer && one.problem === problem),
  );
};

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const checkRoute = (value: unknown, at: number): RouteProblem[] => {
  const form = isMembers(value) && 'answer' in value && !('service' in value) ? 'own' : 'proxy';
  return check(form, value, `/routes/${at}`);
};

/** What is wrong with the form of a list of services. */
export const serviceFormProblems = (value: unknown): readonly RouteProblem[] =>
  Array.isArray(value)
    ? value.flatMap((service, at) => check('service', service, `/services/${at}`))
    : [{ pointer: '/services', problem: 'must be a list' }];

/** What is wrong with the form of a list of routes. */
export const routeFormProblems = (value: unknown): readonly RouteProblem[] =>
  Array.isArray(value) ? value.flatMap(checkRoute) : [{ pointer: '/routes', problem: 'must be a list' }];

/** Everything that is wrong with the form of a route file. None: it is a `RouteFile`. */
export const fileFormProblems = (value: unknown): readonly RouteProblem[] => {
  if (!isMembers(value)) return [{ pointer: '', problem: 'must hold version, services and routes' }];
  const { services, routes } = value;
  return [
    ...check('file', value),
    ...(Array.isArray(services) ? serviceFormProblems(services) : []),
    ...(Array.isArray(routes) ? routeFormProblems(routes) : []),
  ];
};

/**
 * The form of the route table and of the list of services: data of a preset or a settings file. The most exact rule wins,
 * whatever the order: a path before a prefix, a longer prefix before a shorter, a rule with methods before one without.
 */

/** A service behind the gateway. */
export interface ServiceRule {
  /** `aud` of its assertions: lower-case letters, digits, `-`. */
  readonly id: string;
  /** The setting that gives its origin. */
  readonly url: 'authServiceUrl' | 'userServiceUrl' | 'paymentServiceUrl' | 'notificationServiceUrl';
  /** Port on localhost where that setting is not given. */
  readonly defaultPort: number;
  /** Gets the plain `X-Gateway-Signature` too. Default false. */
  readonly plain?: boolean;
  /** The issuer: credentials and auth cookies go on to it. Default false. */
  readonly issuer?: boolean;
}

/** Forwards to a service. */
export interface ProxyRule {
  /** `/a/b` is that path alone, `/a/b/*` everything below it. */
  readonly path: string;
  readonly service: string;
  /** `public`: nobody is identified; `protected`: an access token is needed, and a CSRF token for unsafe methods. */
  readonly access: 'public' | 'protected';
  /** Default: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS. */
  readonly methods?: readonly string[];
  /** Cut off before forwarding. Default: nothing. */
  readonly stripPrefix?: string;
  /** The service gets `Authorization` and `DPoP` too. Default false. */
  readonly forwardAuthorization?: boolean;
}

/** Answered by the gateway itself, GET and HEAD. */
export interface OwnRule {
  readonly path: string;
  readonly answer: 'health' | 'ready';
}

export type RouteRule = ProxyRule | OwnRule;

const pathForm = /^(?:\/[A-Za-z0-9._~-]+)+(?:\/\*)?$/;
const idForm = /^[a-z0-9][a-z0-9-]{0,62}$/;
const proxyMembers = ['path', 'service', 'access', 'methods', 'stripPrefix', 'forwardAuthorization'];
const urlMembers = ['authServiceUrl', 'userServiceUrl', 'paymentServiceUrl', 'notificationServiceUrl'];

type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isOptional = (value: unknown, type: 'boolean' | 'string'): boolean =>
  value === undefined || typeof value === type;
const hasOnly = (value: Members, names: readonly string[]): boolean =>
  Object.keys(value).every((name) => names.includes(name));

const isServiceRule = (value: unknown): boolean =>
  isMembers(value) &&
  hasOnly(value, ['id', 'url', 'defaultPort', 'plain', 'issuer']) &&
  idForm.test(String(value['id'])) &&
  urlMembers.includes(String(value['url'])) &&
  Number.isInteger(value['defaultPort']) &&
  isOptional(value['plain'], 'boolean') &&
  isOptional(value['issuer'], 'boolean');

const isStrip = (strip: unknown, path: string): boolean =>
  strip === undefined ||
  (typeof strip === 'string' && pathForm.test(strip) && !strip.endsWith('*') && path.startsWith(`${strip}/`));

const isMethods = (methods: unknown): boolean =>
  methods === undefined ||
  (Array.isArray(methods) && methods.length > 0 && methods.every((method) => /^[A-Z]+$/.test(String(method))));

const isRouteRule = (value: unknown): boolean => {
  if (!isMembers(value)) return false;
  const { path } = value;
  if (typeof path !== 'string' || !pathForm.test(path)) return false;
  if ('answer' in value) {
    return (
      hasOnly(value, ['path', 'answer']) && !path.endsWith('*') && /^(health|ready)$/.test(String(value['answer']))
    );
  }
  return (
    hasOnly(value, proxyMembers) &&
    idForm.test(String(value['service'])) &&
    /^(public|protected)$/.test(String(value['access'])) &&
    isMethods(value['methods']) &&
    isStrip(value['stripPrefix'], path) &&
    isOptional(value['forwardAuthorization'], 'boolean')
  );
};

/** What is wrong with a list of services, as the rest of a sentence. */
export const servicesProblem = (value: unknown): string | undefined => {
  if (!Array.isArray(value) || !value.every(isServiceRule)) return 'must be a list of {id, url, defaultPort}';
  const ids = value.map((service: ServiceRule) => service.id);
  return new Set(ids).size === ids.length ? undefined : 'name a service twice';
};

/** What is wrong with a route table, as the rest of a sentence. */
export const routesProblem = (value: unknown): string | undefined => {
  if (!Array.isArray(value)) return 'must be a list';
  const wrong = value.findIndex((route) => !isRouteRule(route));
  if (wrong >= 0) return `hold a rule of the wrong form, at index ${wrong}`;
  const keys = value.flatMap((route: RouteRule) =>
    ('methods' in route && route.methods ? route.methods : ['*']).map((method) => `${method} ${route.path}`),
  );
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  return twice === undefined ? undefined : `hold two rules for ${twice}`;
};

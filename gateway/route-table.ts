import { ownIssuer } from './issuers/issuer-rule.ts';
import { type Requirement, requirementOf } from './routes/needs.ts';
import type { UserLimit, UserLimits } from './routes/user-limits.ts';
import { accessOf, csrfOf, methodsOf, type OwnRule, type ProxyRule, type RouteRule } from './routes.ts';
import type { Upstream } from './upstreams/upstream.ts';

export interface ProxyRoute {
  readonly kind: 'proxy';
  /** The rule's path: label of metrics and log. */
  readonly name: string;
  readonly upstream: Upstream;
  readonly access: 'public' | 'optional' | 'required';
  /** `iss` of the tokens that are taken; undefined: the gateway trusts one issuer alone. */
  readonly issuers: readonly string[] | undefined;
  readonly requirement: Requirement | undefined;
  readonly csrf: 'always' | 'cookie' | 'never';
  readonly userLimit: UserLimit | undefined;
  readonly bodyLimitBytes: number;
  /** Until the answer begins; undefined: the service's own. */
  readonly timeoutMs: number | undefined;
  /** The token passes while the revocation feed cannot speak of it. */
  readonly acceptsUnknown: boolean;
  /** Characters to cut off the target. */
  readonly stripLength: number;
  readonly forwardAuthorization: boolean;
  readonly methods: readonly string[];
  /** Empty: all. */
  readonly hosts: readonly string[];
}

export interface OwnRoute {
  readonly kind: 'own';
  readonly name: string;
  readonly answer: 'health' | 'ready';
  readonly bodyLimitBytes: number;
  readonly methods: readonly string[];
  readonly hosts: readonly string[];
}

export type Route = ProxyRoute | OwnRoute;

export interface RouteTable {
  /**
   * The route of a canonical path; `wrong method` with those that the path knows; undefined: no such path.
   * @param host the `Host` field as it came
   */
  find(
    path: string,
    method: string,
    host: string | undefined,
  ): Route | { readonly allowed: readonly string[] } | undefined;
}

/** What rules are compiled against. */
export interface TableParts {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly userLimits: UserLimits;
  /** `iss` by short name, `own` among them; undefined: there is no other than the own one. */
  readonly issuers?: ReadonlyMap<string, string> | undefined;
  /** Of routes that say nothing else. */
  readonly bodyLimitBytes: number;
}

const none: readonly string[] = Object.freeze([]);

/** Only the own issuer's where the rule names none: a new issuer opens nothing by itself, whatever roles it writes into its tokens. */
const issuersOf = ({ path, issuers = [ownIssuer] }: ProxyRule, known: TableParts['issuers']) => {
  if (known === undefined) return undefined;
  const names = issuers.map((id) => known.get(id) ?? '');
  if (names.includes('')) throw new TypeError(`The route ${path} names an issuer that is not listed`);
  return Object.freeze(names);
};

const compileProxy = (rule: ProxyRule, upstream: Upstream, parts: TableParts): ProxyRoute => {
  const { userLimits, bodyLimitBytes } = parts;
  const { path, limits, timeoutSeconds } = rule;
  return Object.freeze({
    kind: 'proxy',
    name: path,
    upstream,
    access: accessOf(rule),
    issuers: issuersOf(rule, parts.issuers),
    requirement: requirementOf(rule),
    csrf: csrfOf(rule),
    userLimit: limits?.user === undefined ? undefined : userLimits.of(limits.user, path),
    bodyLimitBytes: limits?.bodyBytes ?? bodyLimitBytes,
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    acceptsUnknown: rule.whenRevocationUnknown === 'accept',
    stripLength: rule.stripPrefix?.length ?? 0,
    forwardAuthorization: rule.forwardAuthorization ?? false,
    methods: Object.freeze([...methodsOf(rule)]),
    hosts: rule.hosts === undefined ? none : Object.freeze([...rule.hosts]),
  });
};

const compileOwn = (rule: OwnRule, { bodyLimitBytes }: TableParts): OwnRoute =>
  Object.freeze({
    kind: 'own',
    name: rule.path,
    answer: rule.answer,
    bodyLimitBytes,
    methods: methodsOf(rule),
    hosts: none,
  });

const compile = (rule: RouteRule, parts: TableParts): Route => {
  if ('answer' in rule) return compileOwn(rule, parts);
  const upstream = parts.upstreams.get(rule.service);
  if (upstream === undefined) throw new TypeError(`The route ${rule.path} names a service that is not listed`);
  return compileProxy(rule, upstream, parts);
};

/** A rule with hosts is asked before one without, then one with fewer methods: it names them. */
const byExactness = (a: Route, b: Route): number =>
  Number(b.hosts.length > 0) - Number(a.hosts.length > 0) || a.methods.length - b.methods.length;

interface Prefix {
  /** Ends in `/`. */
  readonly prefix: string;
  readonly routes: readonly Route[];
}

/**
 * RFC 3986 §3.2.2: a host is case-insensitive. Its port says nothing about which site is meant, and the dot at the end of a full
 * name belongs to the resolver.
 */
const hostName = (host: string): string => {
  const port = host.lastIndexOf(':');
  // The colons of an IPv6 address stand in brackets.
  const name = port > host.lastIndexOf(']') ? host.slice(0, port) : host;
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
};

const matching = (routes: readonly Route[] | undefined, method: string, host: string): Route | undefined => {
  if (routes === undefined) return undefined;
  for (const route of routes) {
    if (route.methods.includes(method) && (route.hosts.length === 0 || route.hosts.includes(host))) return route;
  }
  return undefined;
};

/** Compiles checked rules. Throws TypeError for a route to an unknown service. */
export const createRouteTable = (rules: readonly RouteRule[], parts: TableParts): RouteTable => {
  const exact = new Map<string, Route[]>();
  const below = new Map<string, Route[]>();
  for (const rule of rules) {
    const isPrefix = rule.path.endsWith('/*');
    const [map, key] = isPrefix ? [below, rule.path.slice(0, -1)] : [exact, rule.path];
    map.set(key, [...(map.get(key) ?? []), compile(rule, parts)].sort(byExactness));
  }
  const prefixes: readonly Prefix[] = [...below]
    .map(([prefix, routes]) => ({ prefix, routes }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const asksHost = rules.some((rule) => 'hosts' in rule && rule.hosts !== undefined);

  const candidates = (path: string): readonly Route[] => [
    ...(exact.get(path) ?? []),
    ...prefixes.filter(({ prefix }) => path.startsWith(prefix)).flatMap(({ routes }) => routes),
  ];

  const refusedMethod = (path: string, host: string) => {
    const here = candidates(path).filter(({ hosts }) => hosts.length === 0 || hosts.includes(host));
    return here.length === 0 ? undefined : { allowed: [...new Set(here.flatMap(({ methods }) => methods))] };
  };

  const find: RouteTable['find'] = (path, method, given) => {
    const host = asksHost && given !== undefined ? hostName(given) : '';
    const here = matching(exact.get(path), method, host);
    if (here !== undefined) return here;
    for (const { prefix, routes } of prefixes) {
      if (!path.startsWith(prefix)) continue;
      const route = matching(routes, method, host);
      if (route !== undefined) return route;
    }
    return refusedMethod(path, host);
  };
  return Object.freeze({ find });
};

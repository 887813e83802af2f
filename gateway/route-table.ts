import type { ProxyRule, RouteRule } from './routes.ts';
import type { Upstream } from './upstreams/upstream.ts';

export interface ProxyRoute {
  readonly kind: 'proxy';
  /** The rule's path: label of metrics and log. */
  readonly name: string;
  readonly upstream: Upstream;
  readonly isProtected: boolean;
  /** Characters to cut off the target. */
  readonly stripLength: number;
  readonly forwardAuthorization: boolean;
  readonly methods: readonly string[];
}

export interface OwnRoute {
  readonly kind: 'own';
  readonly name: string;
  readonly answer: 'health' | 'ready';
  readonly methods: readonly string[];
}

export type Route = ProxyRoute | OwnRoute;

export interface RouteTable {
  /** The route of a canonical path; `wrong method` with those that the path knows; undefined: no such path. */
  find(path: string, method: string): Route | { readonly allowed: readonly string[] } | undefined;
}

/** RFC 9110 §9: methods that a gateway can judge. CSRF protection rests on nothing unsafe being missing from its list. */
const forwardedMethods = Object.freeze(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const ownMethods = Object.freeze(['GET', 'HEAD']);
const wildcard = '/*';

const compileProxy = (rule: ProxyRule, upstream: Upstream): ProxyRoute =>
  Object.freeze({
    kind: 'proxy',
    name: rule.path,
    upstream,
    isProtected: rule.access === 'protected',
    stripLength: rule.stripPrefix?.length ?? 0,
    forwardAuthorization: rule.forwardAuthorization ?? false,
    methods: Object.freeze([...(rule.methods ?? forwardedMethods)]),
  });

const compile = (rule: RouteRule, upstreams: ReadonlyMap<string, Upstream>): Route => {
  if ('answer' in rule) {
    return Object.freeze({ kind: 'own', name: rule.path, answer: rule.answer, methods: ownMethods });
  }
  const upstream = upstreams.get(rule.service);
  if (upstream === undefined) throw new TypeError(`The route ${rule.path} names a service that is not listed`);
  return compileProxy(rule, upstream);
};

/** Fewer methods are more exact: a rule with methods is asked before the one for all. */
const byExactness = (a: Route, b: Route): number => a.methods.length - b.methods.length;

/** Compiles checked rules. Throws TypeError for a route to an unknown service. */
export const createRouteTable = (rules: readonly RouteRule[], upstreams: ReadonlyMap<string, Upstream>): RouteTable => {
  const exact = new Map<string, Route[]>();
  const below = new Map<string, Route[]>();
  for (const rule of rules) {
    const isPrefix = rule.path.endsWith(wildcard);
    const [map, key] = isPrefix ? [below, rule.path.slice(0, -1)] : [exact, rule.path];
    map.set(key, [...(map.get(key) ?? []), compile(rule, upstreams)].sort(byExactness));
  }
  const prefixes = [...below].sort(([a], [b]) => b.length - a.length);

  const candidates = (path: string): readonly (readonly Route[])[] => {
    const here = exact.get(path);
    const above = prefixes.filter(([prefix]) => path.startsWith(prefix)).map(([, routes]) => routes);
    return here === undefined ? above : [here, ...above];
  };

  const refusedMethod = (path: string) => {
    const allowed = candidates(path).flatMap((routes) => routes.flatMap(({ methods }) => methods));
    return allowed.length === 0 ? undefined : { allowed: [...new Set(allowed)] };
  };

  const find: RouteTable['find'] = (path, method) => {
    const here = matching(exact.get(path), method);
    if (here !== undefined) return here;
    for (const [prefix, routes] of prefixes) {
      if (!path.startsWith(prefix)) continue;
      const route = matching(routes, method);
      if (route !== undefined) return route;
    }
    return refusedMethod(path);
  };
  return Object.freeze({ find });
};

const matching = (routes: readonly Route[] | undefined, method: string): Route | undefined => {
  if (routes === undefined) return undefined;
  for (const route of routes) if (route.methods.includes(method)) return route;
  return undefined;
};

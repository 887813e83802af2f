import { nearestName } from '@sallyport/kit/config-near-miss';
import { ownIssuer } from '../issuers/issuer-rule.ts';
import {
  accessOf,
  burstOf,
  forwardedMethods,
  methodsOf,
  type ProxyRule,
  type RouteRule,
  type ServiceRule,
  safeMethods,
  serviceUrlSettings,
} from '../routes.ts';
import type { RouteProblem } from './check-form.ts';

export interface RuleContext {
  readonly services: readonly ServiceRule[];
  readonly routes: readonly RouteRule[];
  /** ACCESS_COOKIE_NAME. */
  readonly accessCookie: string | undefined;
  /** Short names of the issuers beside the own one. Default none. */
  readonly issuers?: readonly string[];
}

export interface Checked {
  /** The table cannot be used. */
  readonly problems: readonly RouteProblem[];
  /** It can, and somebody should look. */
  readonly warnings: readonly RouteProblem[];
}

interface Placed<Rule extends RouteRule = RouteRule> {
  readonly rule: Rule;
  readonly pointer: string;
}

const wildcard = '*';
const isSafe = (method: string): boolean => safeMethods.includes(method);
const hasUnsafe = (rule: RouteRule): boolean => !methodsOf(rule).every(isSafe);
const hostsOf = (rule: RouteRule): readonly string[] => ('hosts' in rule ? (rule.hosts ?? [wildcard]) : [wildcard]);
const namesMethods = (rule: RouteRule): boolean => 'answer' in rule || rule.methods !== undefined;
const isProxy = (placed: Placed): placed is Placed<ProxyRule> => !('answer' in placed.rule);

/** One path, host and method in two rules that are equally exact. */
const overlaps = (placed: readonly Placed[]): RouteProblem[] => {
  const first = new Map<string, string>();
  return placed.flatMap(({ rule, pointer }) => {
    const methods = namesMethods(rule) ? methodsOf(rule) : [wildcard];
    const keys = hostsOf(rule).flatMap((host) => methods.map((method) => `${host} ${method} ${rule.path}`));
    const taken = keys.find((key) => first.has(key));
    for (const key of keys) if (!first.has(key)) first.set(key, pointer);
    if (taken === undefined) return [];
    const [host = '', method = ''] = taken.split(' ');
    const what = [method === wildcard ? 'every method' : method, host === wildcard ? '' : ` at ${host}`].join('');
    return [{ pointer, problem: `overlaps with ${first.get(taken)}: both answer ${what} of ${rule.path}` }];
  });
};

/** A rule whose every request another one takes, or whose path no canonical target has. */
const shadowed = (placed: readonly Placed[]): RouteProblem[] =>
  placed.flatMap(({ rule, pointer }) => {
    if (/\/\.{1,2}(?:\/|$)/.test(rule.path)) {
      return [{ pointer, problem: 'is never reached: a target with a dot segment is refused' }];
    }
    if (namesMethods(rule)) return [];
    const isTaken = (host: string, method: string): boolean =>
      placed.some(
        ({ rule: other }) =>
          other !== rule &&
          other.path === rule.path &&
          namesMethods(other) &&
          hostsOf(other).includes(host) &&
          methodsOf(other).includes(method),
      );
    const isShadowed = hostsOf(rule).every((host) => forwardedMethods.every((method) => isTaken(host, method)));
    return isShadowed ? [{ pointer, problem: 'is never reached: other rules take every method of its path' }] : [];
  });

const unknownService = (service: string, pointer: string, ids: readonly string[]): RouteProblem[] => {
  if (ids.includes(service)) return [];
  const near = nearestName(service, ids);
  const hint = near === undefined ? `known are ${ids.join(', ') || 'none'}` : `did you mean ${near}?`;
  return [{ pointer: `${pointer}/service`, problem: `names ${service}, a service that is not listed; ${hint}` }];
};

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const listIn = (value: unknown, name: string): readonly unknown[] | undefined => {
  const list: unknown = isMembers(value) ? value[name] : undefined;
  return Array.isArray(list) ? list : undefined;
};

/**
 * Services that routes of a file name and nobody lists, also where the file has not its form yet. None where the list of services
 * itself cannot be read: every route would be named for one mistake there.
 * @param usual ids of the services where the file lists none
 */
export const unlistedServices = (file: unknown, usual: readonly string[]): readonly RouteProblem[] => {
  const own = listIn(file, 'services')?.map((service) => (isMembers(service) ? service['id'] : undefined));
  const ids = own ?? (isMembers(file) && 'services' in file ? [undefined] : usual);
  if (!ids.every((id) => typeof id === 'string')) return [];
  return (listIn(file, 'routes') ?? []).flatMap((rule, at) => {
    const service = isMembers(rule) ? rule['service'] : undefined;
    return typeof service === 'string' ? unknownService(service, `/routes/${at}`, ids) : [];
  });
};

const unknownIssuers = ({ rule, pointer }: Placed<ProxyRule>, known: readonly string[]): RouteProblem[] =>
  (rule.issuers ?? [])
    .filter((id) => !known.includes(id))
    .map((id) => ({
      pointer: `${pointer}/issuers`,
      problem: `names ${id}, an issuer that is not listed; known are ${known.join(', ')}`,
    }));

const policyMembers = ['roles', 'permissions', 'scopes'] as const;

/** Members that say the opposite of each other. */
const contradictions = ({ rule, pointer }: Placed<ProxyRule>): RouteProblem[] => {
  const found: RouteProblem[] = [];
  const add = (member: string, problem: string) => found.push({ pointer: `${pointer}/${member}`, problem });
  const access = accessOf(rule);
  for (const name of policyMembers) {
    if (rule[name] === undefined || access === 'required') continue;
    add(name, `need somebody who is identified, but access is ${access}: write access: required`);
  }
  if (access === 'public') {
    if (rule.csrf !== undefined && rule.csrf !== 'never') add('csrf', 'binds to a session, but access is public');
    if (rule.issuers !== undefined) add('issuers', 'asks about a token, but access is public');
    if (rule.limits?.user !== undefined) add('limits/user', 'counts users, but access is public');
    if (rule.whenRevocationUnknown !== undefined)
      add('whenRevocationUnknown', 'asks about a token, but access is public');
  }
  const { path, stripPrefix } = rule;
  if (stripPrefix !== undefined && !path.startsWith(`${stripPrefix}/`)) {
    add('stripPrefix', `is not what ${path} begins with, or leaves nothing of it`);
  }
  return found;
};

/** Rules of a group count together; two numbers would leave it to chance which is in force. */
const groupConflicts = (placed: readonly Placed<ProxyRule>[]): RouteProblem[] => {
  const groups = new Map<string, string>();
  return placed.flatMap(({ rule, pointer }) => {
    const user = rule.limits?.user;
    if (user?.group === undefined) return [];
    const numbers = `${user.perMinute} a minute, burst ${burstOf(user)}`;
    const before = groups.get(user.group) ?? numbers;
    groups.set(user.group, before);
    if (before === numbers) return [];
    return [
      { pointer: `${pointer}/limits/user`, problem: `has ${numbers}, but the group ${user.group} has ${before}` },
    ];
  });
};

const serviceProblems = (services: readonly ServiceRule[]): RouteProblem[] => {
  const settings: readonly string[] = serviceUrlSettings;
  return services.flatMap(({ id, url, defaultPort }, at) => {
    const pointer = `/services/${at}`;
    const found: RouteProblem[] = [];
    if (services.findIndex((other) => other.id === id) !== at) found.push({ pointer, problem: `names ${id} again` });
    const hasOrigin = url !== undefined && !(typeof url === 'string' && settings.includes(url));
    if (url === undefined && defaultPort === undefined)
      found.push({ pointer, problem: 'has neither an origin nor a defaultPort' });
    if (hasOrigin && defaultPort !== undefined) {
      found.push({ pointer: `${pointer}/defaultPort`, problem: 'stands beside an origin: remove one' });
    }
    const bad = !hasOrigin ? undefined : [url].flat().find((text) => !URL.canParse(text));
    if (bad !== undefined) found.push({ pointer: `${pointer}/url`, problem: `holds ${bad}, which is no origin` });
    return found;
  });
};

const issuers = (services: readonly ServiceRule[]): RouteProblem[] =>
  services.filter(({ issuer }) => issuer === true).length < 2
    ? []
    : [{ pointer: '/services', problem: 'mark more than one service as the issuer' }];

const rank = { public: 0, optional: 1, required: 2 } as const;

const covers = (rule: RouteRule, path: string): boolean =>
  rule.path === path || (rule.path.endsWith('/*') && path.startsWith(rule.path.slice(0, -1)));

/** What a rule leaves of its path (other methods, other hosts) goes to the next one, and the client chooses both. */
const looserBelow = (placed: readonly Placed<ProxyRule>[]): RouteProblem[] =>
  placed.flatMap(({ rule, pointer }) => {
    const here = placed.filter(({ rule: other }) => other.path === rule.path && other.hosts === undefined);
    const left = forwardedMethods.filter(
      (method) => !here.some(({ rule: other }) => methodsOf(other).includes(method)),
    );
    const next = placed
      .filter(({ rule: other }) => other.hosts === undefined && other.path !== rule.path && covers(other, rule.path))
      .sort((a, b) => b.rule.path.length - a.rule.path.length);
    const takers = rule.hosts === undefined ? next : [...here, ...next];
    const wanted = rule.hosts === undefined ? left : methodsOf(rule);
    const taker = takers.find(({ rule: other }) => methodsOf(other).some((method) => wanted.includes(method)));
    if (taker === undefined || rank[accessOf(taker.rule)] === rank[accessOf(rule)]) return [];
    const other =
      rule.hosts === undefined ? wanted.join(', ') : 'what is sent with another Host, which the client chooses,';
    if (rank[accessOf(taker.rule)] > rank[accessOf(rule)]) {
      if (rule.hosts === undefined) return [];
      const problem = `loosens ${taker.pointer} for whoever sends this Host, and everybody can`;
      return [{ pointer: `${pointer}/hosts`, problem }];
    }
    const problem = `leaves ${other} of ${rule.path} to ${taker.pointer} ${taker.rule.path}, which is ${accessOf(taker.rule)}`;
    return [{ pointer, problem }];
  });

/** What a service gets as the path, `*` at its end for everything below. */
const forwardedPath = ({ path, stripPrefix = '' }: ProxyRule): string => path.slice(stripPrefix.length);

const meet = (a: string, b: string): boolean => {
  const below = (path: string): string | undefined => (path.endsWith('/*') ? path.slice(0, -1) : undefined);
  const [underA, underB] = [below(a), below(b)];
  return a === b || (underA !== undefined && b.startsWith(underA)) || (underB !== undefined && a.startsWith(underB));
};

/** Two ways to one path of a service, by prefixes that are cut off, and one of them asks for less. */
const waysAround = (placed: readonly Placed<ProxyRule>[]): RouteProblem[] =>
  placed.flatMap(({ rule, pointer }) => {
    const guard = placed.find(
      ({ rule: other }) =>
        other.service === rule.service &&
        other.stripPrefix !== rule.stripPrefix &&
        rank[accessOf(other)] > rank[accessOf(rule)] &&
        meet(forwardedPath(rule), forwardedPath(other)),
    );
    if (guard === undefined) return [];
    const there = `${forwardedPath(guard.rule)} of ${rule.service}`;
    return [
      { pointer, problem: `is a way around ${guard.pointer}: it reaches ${there} too, and is ${accessOf(rule)}` },
    ];
  });

const warningsOf = ({ rule, pointer }: Placed<ProxyRule>, accessCookie: string | undefined): RouteProblem[] => {
  const found: RouteProblem[] = [];
  if (accessOf(rule) === 'public') {
    found.push({ pointer, problem: `${rule.path} is served without authentication, by ${rule.service}` });
  }
  if (rule.forwardAuthorization === true) {
    found.push({
      pointer: `${pointer}/forwardAuthorization`,
      problem: `hands the caller's access token to ${rule.service}, which can use it anywhere`,
    });
  }
  if (rule.csrf === 'never' && accessOf(rule) !== 'public' && accessCookie !== undefined && hasUnsafe(rule)) {
    found.push({
      pointer: `${pointer}/csrf`,
      problem: `is never, but the cookie ${accessCookie} identifies callers: any page can act as them`,
    });
  }
  if (rule.whenRevocationUnknown === 'accept') {
    found.push({
      pointer: `${pointer}/whenRevocationUnknown`,
      problem: 'is accept: while the feed is silent, ended sessions pass until their tokens expire',
    });
  }
  return found;
};

/** Rules that are right each by itself, as a whole. */
export const checkRules = ({ services, routes, accessCookie, issuers: beside = [] }: RuleContext): Checked => {
  const placed = routes.map((rule, at): Placed => ({ rule, pointer: `/routes/${at}` }));
  const proxied = placed.filter(isProxy);
  const ids = services.map(({ id }) => id);
  const issuerIds = [ownIssuer, ...beside];
  return Object.freeze({
    problems: [
      ...serviceProblems(services),
      ...issuers(services),
      ...proxied.flatMap((one) => [
        ...unknownService(one.rule.service, one.pointer, ids),
        ...unknownIssuers(one, issuerIds),
        ...contradictions(one),
      ]),
      ...groupConflicts(proxied),
      ...overlaps(placed),
      ...shadowed(placed),
    ],
    warnings: [
      ...proxied.flatMap((one) => warningsOf(one, accessCookie)),
      ...looserBelow(proxied),
      ...waysAround(proxied),
    ],
  });
};

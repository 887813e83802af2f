/**
 * The start-up probe: each service that stands behind a protected route is asked once, past the gateway's pipeline, whether it
 * answers somebody who brings no assertion. It tells (log, metric) and decides nothing: no request waits for it, and no service is
 * taken out for what it says. Never: sends identity, credentials or a method that could change something.
 */
import type { EffectiveRules } from '../routes/effective-rules.ts';
import { accessOf, methodsOf, type ProxyRule, type RouteRule } from '../routes.ts';

/** The least that may change something: nothing else is ever sent. */
const method = 'GET';
/** Of one service. */
const maxPaths = 8;

const isProxy = (rule: RouteRule): rule is ProxyRule => !('answer' in rule);

const covers = ({ path }: RouteRule, target: string): boolean =>
  path === target || (path.endsWith('/*') && target.startsWith(path.slice(0, -1)));

/** A path of nobody's; the gateway refuses one that ends in a slash, so no service has to answer that. */
const anyName = 'sallyport-probe';

/** The targets that stand for a rule: its path; for everything below one, something there, and what it begins with. */
const targetsOf = ({ path }: ProxyRule): readonly string[] =>
  path.endsWith('/*') ? [`${path.slice(0, -1)}${anyName}`, path.slice(0, -2) || '/'] : [path];

/** What the service gets for it. */
const forwarded = ({ stripPrefix = '' }: ProxyRule, target: string): string => target.slice(stripPrefix.length) || '/';

/** The rules that answer a target first, of whichever hosts: one of them that is open is a reason to answer anybody. */
const isProtected = (target: string, rule: ProxyRule, routes: readonly RouteRule[]): boolean => {
  const here = routes.filter((other) => methodsOf(other).includes(method) && covers(other, target));
  const longest = Math.max(...here.map(({ path }) => path.length));
  const first = here.filter(({ path }) => path === target);
  const answering = first.length > 0 ? first : here.filter(({ path }) => path.length === longest);
  return (
    answering.length > 0 &&
    answering.every(
      (other) =>
        isProxy(other) &&
        other.service === rule.service &&
        other.stripPrefix === rule.stripPrefix &&
        accessOf(other) === 'required',
    )
  );
};

/** What a rule for everything below begins with, where no rule says anything about it: `/orders` of `/orders/*`, never a home page. */
const isBeginning = (target: string, rule: ProxyRule, routes: readonly RouteRule[]): boolean =>
  rule.path === `${target}/*` &&
  forwarded(rule, target) !== '/' &&
  isProtected(`${target}/${anyName}`, rule, routes) &&
  !routes.some((other) => covers(other, target));

/**
 * What each service can be asked for with GET and must refuse, as it gets it: the targets of protected routes after prefix
 * stripping. A service without such a route is not in the map: nothing says that it must refuse anything.
 */
export const pathsToAsk = ({ routes }: EffectiveRules): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, Set<string>>();
  for (const rule of routes.filter(isProxy)) {
    if (accessOf(rule) !== 'required') continue;
    for (const target of targetsOf(rule)) {
      if (!isProtected(target, rule, routes) && !isBeginning(target, rule, routes)) continue;
      const paths = found.get(rule.service) ?? new Set();
      found.set(rule.service, paths.add(forwarded(rule, target)));
    }
  }
  return new Map([...found].map(([service, paths]) => [service, [...paths].slice(0, maxPaths)]));
};

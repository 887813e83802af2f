/** True when a request falls under one of the routes. */
export type RouteMatcher = (method: string, target: string) => boolean;

const pattern = /^(?:([A-Z]+) )?(\/[^\s?#*]*?)(\/\*)?$/;
/**
 * What a `/*` may stand for: nothing that a framework could read as another path (dot segments, encodings, empty segments,
 * backslashes). Other spellings do not match, which is the strict side.
 */
const plainRest = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*\/?$/;

const matcherOf = (route: string): RouteMatcher => {
  const parts = pattern.exec(route);
  if (!parts) throw new TypeError(`Not a route: "${route}" (expected "/path", "GET /path" or "/path/*")`);
  const [, method, path = '/', wildcard] = parts;
  return (requestMethod, target) => {
    if (method !== undefined && method !== requestMethod && !(method === 'GET' && requestMethod === 'HEAD'))
      return false;
    const query = target.indexOf('?');
    const requestPath = query < 0 ? target : target.slice(0, query);
    if (requestPath === path) return true;
    if (!wildcard || !requestPath.startsWith(`${path}/`)) return false;
    return plainRest.test(requestPath.slice(path.length));
  };
};

/**
 * Compiles routes: `/path` (any method), `GET /path` (HEAD too), `/path/*` (that path and what lies below).
 * @throws TypeError for anything else
 */
export const routeMatcher = (routes: readonly string[] = []): RouteMatcher => {
  const matchers = routes.map(matcherOf);
  return (method, target) => matchers.some((matches) => matches(method, target));
};

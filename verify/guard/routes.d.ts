/** True when a request falls under one of the routes. */
export type RouteMatcher = (method: string, target: string) => boolean;
/**
 * Compiles routes: `/path` (any method), `GET /path` (HEAD too), `/path/*` (that path and what lies below).
 * @throws TypeError for anything else
 */
export declare const routeMatcher: (routes?: readonly string[]) => RouteMatcher;

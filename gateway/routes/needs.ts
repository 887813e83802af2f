import type { Needs, ProxyRule } from '../routes.ts';

/** What a token has to hold, ready to be asked for: empty lists ask for nothing. */
export interface NeededNames {
  readonly any: readonly string[];
  readonly all: readonly string[];
}

export interface Requirement {
  readonly roles: NeededNames | undefined;
  readonly permissions: NeededNames | undefined;
  readonly scopes: NeededNames | undefined;
  /** RFC 6750 §3: what `scope` of the challenge says. */
  readonly scopeText: string;
}

const none: readonly string[] = Object.freeze([]);

const isList = (needs: Needs): needs is readonly string[] => Array.isArray(needs);

const namesOf = (needs: Needs | undefined): NeededNames | undefined => {
  if (needs === undefined) return undefined;
  const { any = none, all = none } = isList(needs) ? { any: needs } : needs;
  return Object.freeze({ any: Object.freeze([...any]), all: Object.freeze([...all]) });
};

/** What a rule demands of a token; undefined: nothing but that it is good. */
export const requirementOf = ({ roles, permissions, scopes }: ProxyRule): Requirement | undefined => {
  if (roles === undefined && permissions === undefined && scopes === undefined) return undefined;
  const needed = namesOf(scopes);
  return Object.freeze({
    roles: namesOf(roles),
    permissions: namesOf(permissions),
    scopes: needed,
    scopeText: needed === undefined ? '' : [...needed.all, ...needed.any].join(' '),
  });
};

/** Whether the names that a token holds are enough. */
export const hasNames = (held: readonly string[] | undefined, needed: NeededNames): boolean => {
  const names = held ?? none;
  for (const name of needed.all) if (!names.includes(name)) return false;
  if (needed.any.length === 0) return true;
  for (const name of needed.any) if (names.includes(name)) return true;
  return false;
};

/** RFC 6749 §3.3: `scope` is words between single spaces. Without a list made of it on each request. */
const hasScope = (scope: string, name: string): boolean => {
  for (let at = scope.indexOf(name); at >= 0; at = scope.indexOf(name, at + 1)) {
    const end = at + name.length;
    if ((at === 0 || scope[at - 1] === ' ') && (end === scope.length || scope[end] === ' ')) return true;
  }
  return false;
};

/** Whether the `scope` claim is enough. */
export const hasScopes = (held: string | undefined, needed: NeededNames): boolean => {
  const scope = held ?? '';
  for (const name of needed.all) if (!hasScope(scope, name)) return false;
  if (needed.any.length === 0) return true;
  for (const name of needed.any) if (hasScope(scope, name)) return true;
  return false;
};

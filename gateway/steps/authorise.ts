import { Problem } from '@sallyport/contract';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { hasNames, hasScopes } from '../routes/needs.ts';

/** RFC 6750 §3.1: the request requires higher privileges than provided; 403, and the scopes that are necessary. */
const insufficientScope = (scopes: string): Problem =>
  new Problem('scope_insufficient', {
    headers: { 'www-authenticate': `Bearer realm="sallyport", error="insufficient_scope", scope="${scopes}"` },
  });

/**
 * Roles, permissions and scopes of the route, each kind by itself. Whoever is anonymous has none; a route that needs some
 * demands a token, so nobody comes here without.
 */
export const authorise = (): Step => {
  const run = ({ route, token }: Exchange): Outcome => {
    if (route?.kind !== 'proxy' || route.requirement === undefined) return undefined;
    const { roles, permissions, scopes, scopeText } = route.requirement;
    const claims = token?.claims;
    if (roles !== undefined && !hasNames(claims?.roles, roles)) return new Problem('permission_denied');
    if (permissions !== undefined && !hasNames(claims?.permissions, permissions)) {
      return new Problem('permission_denied');
    }
    if (scopes !== undefined && !hasScopes(claims?.scope, scopes)) return insufficientScope(scopeText);
    return undefined;
  };
  return { name: 'authorise', run };
};

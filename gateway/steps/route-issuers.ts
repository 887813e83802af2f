import { Problem } from '@sallyport/contract';
import type { Exchange, Outcome, Step } from '../exchange.ts';

/**
 * Refuses a good token of an issuer that the route does not take. 403 and not 401: a client would refresh, get the like of it, and
 * end by logging its user out. Where the gateway trusts its own issuer alone there is nothing to ask.
 */
export const routeIssuers = (): Step => {
  const run = ({ route, token }: Exchange): Outcome => {
    if (route?.kind !== 'proxy' || route.issuers === undefined || token === undefined) return undefined;
    return route.issuers.includes(token.subject.iss) ? undefined : new Problem('permission_denied');
  };
  return { name: 'route issuers', run };
};

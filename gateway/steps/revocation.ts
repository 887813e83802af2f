import { Problem } from '@sallyport/contract';
import type { RevocationFeed } from '@sallyport/verify';
import type { Exchange, Outcome, Step } from '../exchange.ts';

export interface RevocationOptions {
  readonly revocations: Pick<RevocationFeed, 'isRevoked'>;
}

/**
 * Refuses tokens whose session, user or key was revoked, from memory. What the feed cannot say (no snapshot yet, silent for too
 * long) is 503, never 401: the token has not been judged. A route may accept that.
 */
export const revocation = ({ revocations }: RevocationOptions): Step => {
  const run = ({ token, route }: Exchange): Outcome => {
    if (token === undefined) return undefined;
    switch (revocations.isRevoked(token.subject)) {
      case 'active':
        return undefined;
      case 'revoked':
        return new Problem('token_revoked');
      case 'stale':
        return new Problem('token_stale');
      case 'unknown':
        if (route?.kind === 'proxy' && route.acceptsUnknown) return undefined;
        return new Problem('revocation_unavailable', { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
    }
  };
  return { name: 'revocation', run };
};

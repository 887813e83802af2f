import { Problem } from '@sallyport/contract';
import { cookieValues } from '@sallyport/kit/cookies';
import { parseAuthorization, type Verification } from '@sallyport/verify';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import type { PacedVerifier } from '../paced-verifier.ts';
import type { DemandProof } from '../proof/demand-proof.ts';

export interface AuthenticateOptions {
  readonly verifier: PacedVerifier;
  readonly demandProof: DemandProof;
  /** Name of the cookie that holds an access token; undefined: only `Authorization` identifies. */
  readonly accessCookie?: string | undefined;
}

/** 503: the token has not been judged, so it is neither good nor bad. */
const refusal = ({ code, reason }: Verification & { ok: false }): Problem => {
  const cause = new Error(`access token refused: ${reason}`);
  if (code !== 'not_ready' && code !== 'revocation_unavailable') return new Problem(code, { cause });
  return new Problem(code, { cause, params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
};

/** As nearly everybody writes it. */
const usualScheme = 'Bearer ';

const none: readonly string[] = Object.freeze([]);

/**
 * Demands a valid access token where a route requires one, and judges what is sent where it is optional: bad credentials are
 * refused there too, since whoever sends some believes to be somebody. The verifier also asks for revocation, at every use.
 */
export const authenticate = ({ verifier, demandProof, accessCookie }: AuthenticateOptions): Step => {
  const accept = (exchange: Exchange, verification: Verification): Outcome => {
    if (!verification.ok) return refusal(verification);
    exchange.token = verification.token;
    return undefined;
  };

  const judge = (exchange: Exchange, token: string): Outcome | Promise<Outcome> => {
    const verification = verifier.verify(token, 'Bearer', exchange.res);
    if (verification instanceof Promise) return verification.then((settled) => accept(exchange, settled));
    return accept(exchange, verification);
  };

  /** The verifier lets a token that is bound to a key pass in this scheme alone: as a bearer's, and in a cookie, it is refused. */
  const judgeBound = (exchange: Exchange, token: string): Outcome | Promise<Outcome> => {
    const proveAndAccept = (verification: Verification & { ok: true }): Outcome | Promise<Outcome> => {
      const proved = demandProof(exchange, token, verification.token);
      const conclude = (outcome: Outcome): Outcome => outcome ?? accept(exchange, verification);
      return proved instanceof Promise ? proved.then(conclude) : conclude(proved);
    };
    const prove = (verification: Verification) =>
      verification.ok ? proveAndAccept(verification) : refusal(verification);
    const verification = verifier.verify(token, 'DPoP', exchange.res);
    return verification instanceof Promise ? verification.then(prove) : prove(verification);
  };

  /** A token that was good before has the right form: nothing is gained by reading all of it again. */
  const judgeKnown = (exchange: Exchange, authorization: readonly string[]): Outcome | 'unknown' => {
    const value = authorization[0] ?? '';
    if (authorization.length > 1 || !value.startsWith(usualScheme)) return 'unknown';
    const verification = verifier.seen(value.slice(usualScheme.length));
    return verification === undefined ? 'unknown' : accept(exchange, verification);
  };

  const run = (exchange: Exchange): Outcome | Promise<Outcome> => {
    const { route, headers } = exchange;
    if (route?.kind !== 'proxy' || route.access === 'public') return undefined;
    const inCookie = accessCookie === undefined ? none : cookieValues(headers.cookie, accessCookie);
    // What follows from the cookie holds also beside a header: a page that adds one gets nothing for it.
    exchange.sentAccessCookie = inCookie.length > 0;
    const { authorization } = headers;
    if (authorization.length === 0) {
      if (inCookie.length > 1) return new Problem('cookie_ambiguous', { params: { cookie: accessCookie ?? '' } });
      const [token] = inCookie;
      if (token !== undefined) return judge(exchange, token);
      if (route.access === 'optional') return undefined;
    }
    const known = judgeKnown(exchange, authorization);
    if (known !== 'unknown') return known;
    const parsed = parseAuthorization(authorization);
    if (!parsed.ok) return new Problem(parsed.code);
    return parsed.scheme === 'DPoP' ? judgeBound(exchange, parsed.token) : judge(exchange, parsed.token);
  };
  return { name: 'authenticate', run };
};

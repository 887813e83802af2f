import { Problem } from '@sallyport/contract';
import { type AccessTokenVerifier, parseBearer, type Verification } from '@sallyport/verify';
import type { Exchange, Outcome, Step } from '../exchange.ts';

export interface AuthenticateOptions {
  readonly verifier: Pick<AccessTokenVerifier, 'verify'>;
}

/** 503: the token has not been judged, so it is neither good nor bad. */
const refusal = ({ code, reason }: Verification & { ok: false }): Problem => {
  const cause = new Error(`access token refused: ${reason}`);
  if (code !== 'not_ready' && code !== 'revocation_unavailable') return new Problem(code, { cause });
  return new Problem(code, { cause, params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
};

/** Demands a valid access token on protected routes. The verifier also asks for revocation, at every use. */
export const authenticate = ({ verifier }: AuthenticateOptions): Step => {
  const accept = (exchange: Exchange, verification: Verification): Outcome => {
    if (!verification.ok) return refusal(verification);
    exchange.token = verification.token;
    return undefined;
  };

  const run = (exchange: Exchange): Outcome | Promise<Outcome> => {
    const { route, headers } = exchange;
    if (route?.kind !== 'proxy' || !route.isProtected) return undefined;
    const bearer = parseBearer(headers.authorization);
    if (!bearer.ok) return new Problem(bearer.code);
    const verification = verifier.verify(bearer.token);
    if (verification instanceof Promise) return verification.then((settled) => accept(exchange, settled));
    return accept(exchange, verification);
  };
  return { name: 'authenticate', run };
};

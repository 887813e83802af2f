import type { ErrorTexts } from '@sallyport/contract';
import type { Verification } from '../access/refusal.ts';
import type { AccessTokenVerifier } from '../access/verify-access-token.ts';
import { checkOptions } from '../options.ts';
import type { RevocationFeed } from '../revocations/revocation-feed.ts';
import { type BoundTokensOptions, createProofDemand, type DemandProof } from './bound-tokens.ts';
import { type Guard, type GuardDecision, type GuardRequest, type OnRefusal, refusals } from './guard.ts';
import { identityOfToken } from './identity.ts';
import { parseAuthorization } from './parse-authorization.ts';
import { judgeToken } from './revocation.ts';
import { routeMatcher } from './routes.ts';

export interface BearerGuardOptions {
  readonly verifier: AccessTokenVerifier;
  /** Asked about every good token, where the verifier's own `isRevoked` is not given. */
  readonly revocations?: Pick<RevocationFeed, 'isRevoked'>;
  /** The preset's literal texts. */
  readonly texts?: ErrorTexts;
  /** Routes that need no token, such as `GET /health`. Default none. */
  readonly unguarded?: readonly string[];
  readonly onRefusal?: OnRefusal;
  /**
   * Where clients find this service, such as `https://chat.example.org`; with a path where a proxy cuts that off. Access tokens that are bound
   * to a key (`Authorization: DPoP`) then pass with a proof for this very URL. Default: they are refused.
   */
  readonly publicUrl?: string;
  /** How proofs are judged, and how many are remembered. */
  readonly proofs?: BoundTokensOptions;
}

/** Nobody knows which URL a proof would have to name. */
const refuseBound: DemandProof = () => ({ code: 'proof_required', reason: 'bound' });

/**
 * A guard for services that verify access tokens themselves, without a gateway. Refuses with `token_missing`,
 * `authorization_malformed`, or the verifier's code; a token that is bound to a key with `proof_required`, `proof_invalid`,
 * `proof_replayed`, and `busy` while more proofs are in use than are remembered.
 * @throws TypeError for a misspelt option or a route of another form
 */
export const createBearerGuard = (given: BearerGuardOptions): Guard => {
  const names = { revocations: 0, texts: 0, unguarded: 0, onRefusal: 0, publicUrl: 0, proofs: 0 };
  const options = checkOptions('createBearerGuard', given, ['verifier'], names);
  const { verifier, revocations, texts, unguarded, onRefusal, publicUrl, proofs } = options;
  if (publicUrl === undefined && proofs !== undefined)
    throw new TypeError('createBearerGuard: option "proofs" has no meaning without publicUrl');
  const demandProof = publicUrl === undefined ? refuseBound : createProofDemand(publicUrl, proofs);
  const isUnguarded = routeMatcher(unguarded);
  const refuse = refusals(texts, onRefusal);

  const decide = (verification: Verification, request: GuardRequest, accessToken: string): GuardDecision => {
    if (!verification.ok) return refuse(verification.code, verification.reason);
    const { token } = verification;
    const ended = revocations && judgeToken(revocations, token.subject);
    if (ended) return refuse(ended.code, ended.reason);
    // The verifier lets it pass in the scheme alone that asks for a proof.
    const unproved = token.boundKeyThumbprint === undefined ? undefined : demandProof(request, accessToken, token);
    return unproved ? refuse(unproved.code, unproved.reason) : { pass: true, caller: identityOfToken(token.claims) };
  };

  const check: Guard['check'] = (request) => {
    const { method, target, values } = request;
    if (isUnguarded(method, target)) return { pass: true, caller: undefined };
    const parsed = parseAuthorization(values('authorization'));
    if (!parsed.ok) return refuse(parsed.code, 'authorization');
    const { scheme, token } = parsed;
    if (scheme === 'DPoP' && publicUrl === undefined) return refuse('authorization_malformed', 'authorization');
    const verification = verifier.verify(token, scheme);
    if (verification instanceof Promise) return verification.then((settled) => decide(settled, request, token));
    return decide(verification, request, token);
  };

  return Object.freeze({ check });
};

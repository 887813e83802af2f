import type { ErrorTexts } from '@sallyport/contract';
import type { Verification } from '../access/refusal.ts';
import type { AccessTokenVerifier } from '../access/verify-access-token.ts';
import { checkOptions } from '../options.ts';
import type { RevocationFeed } from '../revocations/revocation-feed.ts';
import { type Guard, type GuardDecision, type OnRefusal, refusals } from './guard.ts';
import { identityOfToken } from './identity.ts';
import { parseBearer } from './parse-bearer.ts';
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
}

/**
 * A guard for services that verify access tokens themselves, without a gateway. Refuses with `token_missing`,
 * `authorization_malformed`, or the verifier's code.
 * @throws TypeError for a misspelt option or a route of another form
 */
export const createBearerGuard = (given: BearerGuardOptions): Guard => {
  const names = { revocations: 0, texts: 0, unguarded: 0, onRefusal: 0 };
  const options = checkOptions('createBearerGuard', given, ['verifier'], names);
  const { verifier, revocations, texts, unguarded, onRefusal } = options;
  const isUnguarded = routeMatcher(unguarded);
  const refuse = refusals(texts, onRefusal);

  const decide = (verification: Verification): GuardDecision => {
    if (!verification.ok) return refuse(verification.code, verification.reason);
    const { claims, subject } = verification.token;
    const ended = revocations && judgeToken(revocations, subject);
    return ended ? refuse(ended.code, ended.reason) : { pass: true, caller: identityOfToken(claims) };
  };

  const check: Guard['check'] = ({ method, target, values }) => {
    if (isUnguarded(method, target)) return { pass: true, caller: undefined };
    const parsed = parseBearer(values('authorization'));
    if (!parsed.ok) return refuse(parsed.code, 'authorization');
    const verification = verifier.verify(parsed.token);
    return verification instanceof Promise ? verification.then(decide) : decide(verification);
  };

  return Object.freeze({ check });
};

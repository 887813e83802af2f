import { isSessionId, isUserId, Problem } from '@sallyport/contract';
import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { AccessTokenVerifier, VerifiedToken } from '@sallyport/verify';
import type { Caller, Credentials } from './route.ts';
import type { KeyProver, PresentedProof } from './tokens/prove-key.ts';

export interface AuthenticateOptions {
  readonly verifier: AccessTokenVerifier;
  readonly sessions: Pick<Sessions, 'findSession'>;
  readonly accounts: Pick<Accounts, 'findUser'>;
  readonly prover: Pick<KeyProver, 'prove'>;
}

/** RFC 6750 §2.1 and RFC 9449 §7.1: `b64token`. The scheme is case-insensitive (RFC 9110 §11.1). */
const authorizationForm = /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Who calls a bearer route. The issuer asks its own store, so that an access token is dead here the moment its session or account
 * is: no bound to wait for.
 */
export const createAuthenticate = ({
  verifier,
  sessions,
  accounts,
  prover,
}: AuthenticateOptions): ((credentials: Credentials) => Promise<Caller>) =>
  async function authenticate({ authorization, proof }) {
    if (authorization === undefined || authorization === '') throw new Problem('token_missing');
    const [, scheme = '', token] = authorizationForm.exec(authorization) ?? [];
    if (token === undefined) throw new Problem('authorization_malformed');
    // As a bearer's a token that is bound to a key is refused there.
    const verification = await verifier.verify(token, scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer');
    if (!verification.ok) throw new Problem(verification.code, { cause: verification.reason });
    const { boundKeyThumbprint } = verification.token;
    if (boundKeyThumbprint !== undefined) await demandProof(boundKeyThumbprint, token, proof, prover);
    return findCaller(verification.token, sessions, accounts);
  };

/** RFC 9449 §7: the key that the token is bound to, shown for this token and this request. */
const demandProof = async (
  thumbprint: string,
  accessToken: string,
  proof: PresentedProof | undefined,
  { prove }: AuthenticateOptions['prover'],
): Promise<void> => {
  if (proof === undefined) throw new Problem('proof_required');
  const verdict = await prove(proof, { thumbprint, accessToken });
  if (!verdict.proved) throw new Problem(verdict.code, { cause: verdict.reason });
};

const findCaller = async (
  { claims }: VerifiedToken,
  sessions: AuthenticateOptions['sessions'],
  accounts: AuthenticateOptions['accounts'],
): Promise<Caller> => {
  if (!isSessionId(claims.sid) || !isUserId(claims.sub)) throw new Problem('token_invalid', { cause: 'no session' });
  const { value: session } = await sessions.findSession(claims.sid);
  const user = await accounts.findUser(claims.sub);
  if (user === undefined || user.deletedAtMs !== undefined) throw new Problem('user_unknown');
  if (session === undefined || session.userId !== user.id)
    throw new Problem('token_revoked', { cause: 'session unknown' });
  if (
    session.revokedAtMs !== undefined ||
    session.sessionEpoch !== user.sessionEpoch ||
    user.disabledAtMs !== undefined
  ) {
    throw new Problem('token_revoked', { cause: 'session ended' });
  }
  // The session lives, the account has changed: a refresh brings a token that says so.
  if (claims.uep !== user.accessEpoch) throw new Problem('token_stale');
  return { user, session };
};

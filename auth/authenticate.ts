import { isSessionId, isUserId, Problem } from '@sallyport/contract';
import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { AccessTokenVerifier, VerifiedToken } from '@sallyport/verify';
import type { Caller } from './route.ts';

export interface AuthenticateOptions {
  readonly verifier: AccessTokenVerifier;
  readonly sessions: Pick<Sessions, 'findSession'>;
  readonly accounts: Pick<Accounts, 'findUser'>;
}

/** RFC 6750 §2.1: `b64token`. The scheme is case-insensitive (RFC 9110 §11.1). */
const bearerForm = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Who calls a bearer route. The issuer asks its own store, so that an access token is dead here the moment its session or account
 * is: no bound to wait for.
 */
export const createAuthenticate = ({
  verifier,
  sessions,
  accounts,
}: AuthenticateOptions): ((authorization: string | undefined) => Promise<Caller>) =>
  async function authenticate(authorization) {
    if (authorization === undefined || authorization === '') throw new Problem('token_missing');
    const token = bearerForm.exec(authorization)?.[1];
    if (token === undefined) throw new Problem('authorization_malformed');
    const verification = await verifier.verify(token);
    if (!verification.ok) throw new Problem(verification.code, { cause: verification.reason });
    return findCaller(verification.token, sessions, accounts);
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

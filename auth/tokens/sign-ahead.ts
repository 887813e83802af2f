/**
 * An access token that is signed before the change that it tells of. Where a signature may fail, it is made while nothing has happened
 * yet: no refresh token is spent and no session begun for an answer that cannot be given. With a key of this machine nothing is made ahead.
 */
import type { User } from '@sallyport/storage/contracts/accounts';
import type { IssuedSession } from './issue.ts';
import type { SigningKey } from './signing-key.ts';

export interface AheadToken {
  /** Undefined: what it tells has changed meanwhile, so that another one has to be signed. */
  readonly for: (user: User, session: IssuedSession) => string | undefined;
}

export interface SignAhead {
  readonly isNeeded: () => boolean;
  /** @throws Problem `signer_unavailable` */
  readonly sign: (user: User, session: IssuedSession) => Promise<AheadToken>;
  /**
   * Where what will be signed is not known before the change: whether anything can be. What fails in the moment between is not undone.
   * @throws Problem `signer_unavailable`
   */
  readonly ready: () => Promise<void>;
}

export interface SignAheadOptions {
  readonly key: () => SigningKey;
  readonly issueAccessToken: (user: User, session: IssuedSession) => Promise<string>;
}

export const createSignAhead = ({ key, issueAccessToken }: SignAheadOptions): SignAhead => ({
  isNeeded: () => key().isRemote === true,
  sign: async (user, session) => {
    const told = whatIsTold(user, session);
    const token = await issueAccessToken(user, session);
    return { for: (nowUser, nowSession) => (whatIsTold(nowUser, nowSession) === told ? token : undefined) };
  },
  ready: async () => {
    const now = key();
    if (now.isRemote === true) await now.signJws(probe);
  },
});

/** No JWS: it has no dot. */
const probe = 'sallyport-asks-whether-it-may-sign';

/**
 * All that an access token tells, but for the time of the login: where the session does not stand yet, this node's clock has told it, and
 * afterwards the store's does.
 */
const whatIsTold = (user: User, { authTimeMs: _, ...session }: IssuedSession): string =>
  JSON.stringify([
    ...[user.id, user.accessEpoch, user.email, user.name, user.displayName, user.username],
    ...[user.roles, user.permissions],
    ...[session.id, session.clientId, session.amr, session.deviceId, session.boundKeyThumbprint],
    ...[session.acr, session.scope, session.audience],
  ]);

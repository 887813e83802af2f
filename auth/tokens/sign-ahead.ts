/**
 * An access token that is signed before the change that it tells of. Where a signature may fail, it is made while nothing has happened
 * yet: no refresh token is spent and no session begun for an answer that cannot be given. With a key of this machine nothing is made ahead.
 */
import type { User } from '@sallyport/storage/contracts/accounts';
import type { AnsweredSession } from './token-answer.ts';

export interface AheadToken {
  /** Undefined: what it tells has changed meanwhile, so that another one has to be signed. */
  readonly for: (user: User, session: AnsweredSession) => string | undefined;
}

export interface SignAhead {
  readonly isNeeded: () => boolean;
  /** @throws Problem `signer_unavailable` */
  readonly sign: (user: User, session: AnsweredSession) => Promise<AheadToken>;
}

export interface SignAheadOptions {
  readonly key: () => { readonly isRemote?: boolean };
  readonly issueAccessToken: (user: User, session: AnsweredSession) => Promise<string>;
}

export const createSignAhead = ({ key, issueAccessToken }: SignAheadOptions): SignAhead => ({
  isNeeded: () => key().isRemote === true,
  sign: async (user, session) => {
    const told = whatIsTold(user, session);
    const token = await issueAccessToken(user, session);
    return { for: (nowUser, nowSession) => (whatIsTold(nowUser, nowSession) === told ? token : undefined) };
  },
});

/**
 * All that an access token tells, but for the time of the login: where the session does not stand yet, this node's clock has told it, and
 * afterwards the store's does.
 */
const whatIsTold = (user: User, { authTimeMs: _, ...session }: AnsweredSession): string =>
  JSON.stringify([
    ...[user.id, user.accessEpoch, user.email, user.name, user.displayName, user.username],
    ...[user.roles, user.permissions],
    ...[session.id, session.clientId, session.amr, session.deviceId, session.boundKeyThumbprint],
  ]);

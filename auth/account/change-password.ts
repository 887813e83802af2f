import type { Accounts, User } from '@sallyport/storage/contracts/accounts';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Session, Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import {
  type GuessGuard,
  type PasswordFactor,
  type PasswordPolicy,
  type PasswordProblem,
  usernameGuess,
} from '../factors/factor.ts';
import type { createSessionRenewer } from '../tokens/renew-session.ts';

export type ChangePasswordOutcome =
  | { readonly kind: 'changed'; readonly user: User; readonly session: Session; readonly refreshToken: string }
  | { readonly kind: 'wrong_password' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'password_refused'; readonly problem: PasswordProblem }
  /** The password was changed, or the session ended, by somebody else meanwhile. */
  | { readonly kind: 'overtaken' };

export interface ChangePasswordOptions {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly password: PasswordFactor;
  readonly policy: PasswordPolicy;
  readonly guard: GuessGuard;
  readonly renewSession: ReturnType<typeof createSessionRenewer>;
  /** Throws while no token could be signed: the change would end the session that asks for it. */
  readonly readyToSign?: () => Promise<void>;
}

export interface ChangePasswordRequest {
  readonly user: User;
  readonly session: Session;
  readonly currentPassword: string;
  readonly newPassword: string;
  readonly context: ActContext;
}

/**
 * Needs the current password. Raises both epochs, which ends every session and access token of the user; the session that asked
 * adopts the new epoch and goes on with fresh tokens.
 */
export const createChangePassword = (
  options: ChangePasswordOptions,
): ((request: ChangePasswordRequest) => Promise<ChangePasswordOutcome>) => {
  const { accounts, sessions, effects, password, policy, guard, renewSession } = options;
  return async function changePassword({ user, session, currentPassword, newPassword, context }) {
    const problem = await policy.check(newPassword, knownAbout(user));
    if (problem !== undefined) return { kind: 'password_refused', problem };
    const stored = await accounts.findUser(user.id);
    const judge = async () => {
      const right = (await password.verify(stored, currentPassword)) !== 'wrong';
      return { right, value: right };
    };
    const name = user.username === undefined ? undefined : usernameGuess(user.username);
    const guess = await guard({ identifier: user.email ?? name ?? user.id, address: context.address, judge });
    if (stored === undefined || guess.kind === 'locked' || !guess.value) {
      const { realmId, id: userId } = user;
      const data = { reason: guess.kind === 'locked' ? 'locked' : 'password' };
      const sessionId = session.id;
      await effects.appendEffects([{ act: 'password.change_failed', realmId, userId, sessionId, data, context }]);
      return { kind: 'wrong_password' };
    }
    if (currentPassword.normalize('NFKC') === newPassword.normalize('NFKC')) return { kind: 'unchanged' };
    const newHash = await password.hash(newPassword);
    // An access token outlives its session's expiry by minutes: nothing is changed for a session that could not adopt the change.
    if (!(await isLive(sessions, session.id))) return { kind: 'overtaken' };
    await options.readyToSign?.();
    const changed = await accounts.changePassword({
      userId: user.id,
      expectedHash: stored.passwordHash ?? '',
      newHash,
      sessionId: session.id,
      context,
    });
    if (!changed.changed) return { kind: 'overtaken' };
    const toEpoch = changed.user.sessionEpoch;
    // In this order: were the epoch adopted first, whoever holds the token of before could refresh in between, and would be given an
    // access token of the new epoch, which outlives the change.
    const renewed = await renewSession(session, context);
    const adoption = { sessionId: session.id, fromEpoch: session.sessionEpoch, toEpoch };
    const adopted = renewed !== undefined && (await sessions.adoptEpoch(adoption));
    await sessions.endSessionsOfUser({ userId: user.id, except: session.id, cause: 'password_changed', context });
    if (!adopted) return { kind: 'overtaken' };
    const { refreshToken } = renewed;
    return {
      kind: 'changed',
      user: changed.user,
      session: { ...renewed.session, sessionEpoch: toEpoch },
      refreshToken,
    };
  };
};

const knownAbout = (user: User): readonly (string | undefined)[] => [
  user.email,
  user.username,
  user.name,
  user.firstName,
  user.lastName,
  user.displayName,
  user.phoneNumber,
];

const isLive = async (sessions: Sessions, sessionId: Session['id']): Promise<boolean> => {
  const { value, nowMs } = await sessions.findSession(sessionId);
  if (value === undefined || value.revokedAtMs !== undefined) return false;
  return nowMs < Math.min(value.idleExpiresAtMs, value.absoluteExpiresAtMs);
};

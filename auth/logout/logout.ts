import type { SessionId, UserId } from '@sallyport/contract';
import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { RefreshTokens } from '../tokens/refresh-token.ts';

export interface LogoutOptions {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly tokens: RefreshTokens;
}

export interface Logout {
  /**
   * Ends the session of any token of it with right MACs, whatever its generation or age. Never a verdict: an unknown, old or
   * dead token ends nothing, and nobody is told.
   */
  logout(token: string, context: ActContext, cause?: 'logout' | 'revoked'): Promise<UserId | undefined>;
  /** Ends the session of an access token. */
  endSession(sessionId: SessionId, context: ActContext): Promise<void>;
  /** The epochs come first: from then on every session and access token of the user is dead; marking the rows follows. */
  logoutEverywhere(userId: UserId, context: ActContext): Promise<void>;
}

export const createLogout = ({ accounts, sessions, tokens }: LogoutOptions): Logout => ({
  logout: async (token, context, cause = 'logout') => {
    const parsed = tokens.parse(token);
    if (parsed === undefined) return undefined;
    const { sessionId } = parsed;
    const { value: session } = await sessions.findSession(sessionId);
    // The token was made here (M1), and the store has lost its row: should it come back, it must not live.
    if (session !== undefined && !tokens.isGenuine(parsed, session)) return undefined;
    await sessions.endSession({ sessionId, cause, context });
    return session?.userId;
  },
  endSession: async (sessionId, context) => {
    await sessions.endSession({ sessionId, cause: 'logout', context });
  },
  logoutEverywhere: async (userId, context) => {
    await accounts.endAllSessions(userId, context);
    await sessions.endSessionsOfUser({ userId, cause: 'logout_all', context });
  },
});

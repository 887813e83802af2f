/** The doors out: logout, revoke, logout-all. They translate, nothing else. */
import type { AuthSettings } from '../config.ts';
import type { BearerHandler, OpenHandler } from '../route.ts';
import { csrfCookie } from '../tokens/token-answer.ts';
import type { Logout } from './logout.ts';

export interface LogoutHttpOptions {
  readonly logout: Logout;
  readonly settings: Pick<AuthSettings, 'messageTexts' | 'csrfCookie' | 'csrfCookieTtlSeconds'>;
}

export const createLogoutHttp = ({
  logout,
  settings,
}: LogoutHttpOptions): {
  readonly logout: OpenHandler;
  readonly revoke: OpenHandler;
  readonly logoutAll: BearerHandler;
} => {
  const { messageTexts } = settings;
  const cookie = csrfCookie(settings, undefined);
  const end =
    (message: string): OpenHandler =>
    async ({ body, context, noteUser }) => {
      const token = body['refresh_token'];
      const userId = typeof token === 'string' ? await logout.logout(token, context) : undefined;
      if (userId !== undefined) noteUser(userId);
      return { status: 200, body: { message }, cookie };
    };
  return {
    logout: end(messageTexts.loggedOut),
    revoke: end(messageTexts.revoked),
    logoutAll: async ({ caller, context }) => {
      await logout.logoutEverywhere(caller.user.id, context);
      return { status: 200, body: { message: messageTexts.loggedOutEverywhere }, cookie };
    },
  };
};

/** The doors out: logout, revoke, logout-all. They translate, nothing else. */
import type { AuthSettings } from '../config.ts';
import type { BearerHandler, OpenHandler } from '../route.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import { csrfCookie } from '../tokens/token-answer.ts';
import type { Logout } from './logout.ts';

export interface LogoutHttpOptions {
  readonly logout: Logout;
  readonly transport: RefreshTransport;
  readonly settings: Pick<AuthSettings, 'messageTexts' | 'csrfCookie' | 'csrfCookieTtlSeconds'>;
}

export const createLogoutHttp = ({
  logout,
  transport,
  settings,
}: LogoutHttpOptions): {
  readonly logout: OpenHandler;
  readonly revoke: OpenHandler;
  readonly logoutAll: BearerHandler;
} => {
  const { messageTexts } = settings;
  const cookies = [csrfCookie(settings, undefined), ...transport.cookies(undefined)];
  const end =
    (message: string): OpenHandler =>
    async (request) => {
      transport.assertSameSite(request);
      const token = transport.read(request);
      const userId = token === undefined ? undefined : await logout.logout(token, request.context);
      if (userId !== undefined) request.noteUser(userId);
      return { status: 200, body: { message }, cookies };
    };
  return {
    logout: end(messageTexts.loggedOut),
    revoke: end(messageTexts.revoked),
    logoutAll: async ({ caller, context }) => {
      await logout.logoutEverywhere(caller.user.id, context);
      return { status: 200, body: { message: messageTexts.loggedOutEverywhere }, cookies };
    },
  };
};

/** The doors out: logout, revoke, logout-all. They translate, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import type { BearerHandler, Caller, Credentials, OpenHandler, RouteRequest } from '../route.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import { csrfCookie } from '../tokens/token-answer.ts';
import type { Logout } from './logout.ts';

export interface LogoutHttpOptions {
  readonly logout: Logout;
  /** Who calls, by the access token; throws a Problem where it is none. */
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
  readonly transport: RefreshTransport;
  readonly settings: Pick<AuthSettings, 'messageTexts' | 'csrfCookie' | 'csrfCookieTtlSeconds'>;
}

export const createLogoutHttp = ({
  logout,
  authenticate,
  transport,
  settings,
}: LogoutHttpOptions): {
  readonly logout: OpenHandler;
  readonly revoke: OpenHandler;
  readonly logoutAll: BearerHandler;
} => {
  const { messageTexts } = settings;
  const cookies = [csrfCookie(settings, undefined), ...transport.cookies(undefined)];
  /** Who sends the access token alone means his own session. A dead one ends nothing, and logout is never refused for it. */
  const endBearer = async (request: RouteRequest) => {
    const authorization = request.header('authorization');
    if (authorization === undefined) return undefined;
    const caller = await authenticate({ authorization, proof: request.proof }).catch(undefinedForProblem);
    if (caller !== undefined) await logout.endSession(caller.session.id, request.context);
    return caller?.user.id;
  };
  const end =
    (message: string, cause: 'logout' | 'revoked'): OpenHandler =>
    async (request) => {
      transport.assertSameSite(request);
      const token = transport.read(request);
      const userId =
        token === undefined ? await endBearer(request) : await logout.logout(token, request.context, cause);
      if (userId !== undefined) request.noteUser(userId);
      return { status: 200, body: { message }, cookies };
    };
  return {
    logout: end(messageTexts.loggedOut, 'logout'),
    revoke: end(messageTexts.revoked, 'revoked'),
    logoutAll: async ({ caller, context }) => {
      await logout.logoutEverywhere(caller.user.id, context);
      return { status: 200, body: { message: messageTexts.loggedOutEverywhere }, cookies };
    },
  };
};

const undefinedForProblem = (error: unknown): undefined => {
  if (error instanceof Problem) return undefined;
  throw error;
};

import type { RouteShape } from '@sallyport/contract/routes';
import type { CsrfTokens } from '@sallyport/kit/csrf';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { AuthSettings } from '../config.ts';
import type { CookieToSet, RouteAnswer } from '../route.ts';
import type { RefreshTransport } from './refresh-transport.ts';
import type { AheadToken } from './sign-ahead.ts';

export type AnsweredSession = Pick<
  Session,
  'id' | 'clientId' | 'authTimeMs' | 'amr' | 'deviceId' | 'label' | 'boundKeyThumbprint'
>;

export interface TokenAnswerOptions {
  readonly issueAccessToken: (user: User, session: AnsweredSession) => Promise<string>;
  readonly csrf: CsrfTokens;
  readonly transport: RefreshTransport;
  readonly settings: Pick<AuthSettings, 'accessTokenTtlSeconds' | 'csrfCookie' | 'csrfCookieTtlSeconds' | 'shape'>;
}

export interface TokenAnswerInput {
  readonly status: number;
  readonly message: string;
  readonly user: User;
  readonly session: AnsweredSession;
  readonly refreshToken: string;
  /** What was signed before the change, and is handed out where it still tells the truth. */
  readonly ahead?: AheadToken | undefined;
}

/** The one answer that hands out tokens: the union of what the contracts name, and the CSRF cookie bound to the session. */
export const createTokenAnswer = (options: TokenAnswerOptions): ((input: TokenAnswerInput) => Promise<RouteAnswer>) => {
  const { issueAccessToken, csrf, transport, settings } = options;
  return async function answerWithTokens({ status, message, user, session, refreshToken, ahead }) {
    const csrfToken = csrf.issue(session.id);
    return {
      status,
      body: {
        message,
        access_token: ahead?.for(user, session) ?? (await issueAccessToken(user, session)),
        // What travels in a cookie must not stand where a script can read it.
        ...(transport.inBody && { refresh_token: refreshToken }),
        csrf_token: csrfToken,
        // RFC 9449 §5: the type says that the token is worth nothing without its key.
        token_type: session.boundKeyThumbprint === undefined ? 'Bearer' : 'DPoP',
        expires_in: settings.accessTokenTtlSeconds,
        ...(session.label !== undefined && { session_id: session.label }),
        user: userView(user, settings.shape),
      },
      cookies: [csrfCookie(settings, csrfToken), ...transport.cookies(refreshToken)],
    };
  };
};

/** Value undefined: cleared, with the same attributes. */
export const csrfCookie = (
  settings: Pick<AuthSettings, 'csrfCookie' | 'csrfCookieTtlSeconds'>,
  value: string | undefined,
): CookieToSet => ({ name: settings.csrfCookie, value, maxAgeSeconds: settings.csrfCookieTtlSeconds, path: '/' });

/** A user as the API shows it: what is absent is left out; hash and epochs never leave. */
export const userView = (user: User, { devices }: Pick<RouteShape, 'devices'> = {}): object => ({
  id: user.id,
  ...(devices === true && { user_id: user.id, is_new_user: false }),
  ...(user.email !== undefined && { email: user.email }),
  ...(user.username !== undefined && { username: user.username }),
  ...(user.name !== undefined && { name: user.name }),
  ...(user.firstName !== undefined && { first_name: user.firstName }),
  ...(user.lastName !== undefined && { last_name: user.lastName }),
  ...(user.displayName !== undefined && { display_name: user.displayName }),
  ...(user.phoneNumber !== undefined && { phone_number: user.phoneNumber }),
  ...(user.avatarUrl !== undefined && { avatar_url: user.avatarUrl }),
  role: user.roles[0] ?? 'user',
  roles: user.roles,
  permissions: user.permissions,
});

/**
 * How a refresh token travels: in the JSON body, in a cookie that no script can read, or in either. It reads and hands out tokens; it
 * never judges one.
 */
import { Problem } from '@sallyport/contract';
import { cookieValues } from '@sallyport/kit/cookies';
import type { AuthSettings } from '../config.ts';
import type { CookieToSet, RouteRequest } from '../route.ts';
import { setCookieHeader } from './set-cookie.ts';

export interface RefreshTransport {
  /** The token that was presented. Throws Problem `cookie_ambiguous` for two cookies of the name. */
  read(request: RouteRequest): string | undefined;
  /** The refresh cookie that came along, also where the body is read. */
  readCookie(request: Pick<RouteRequest, 'cookieHeader'>): string | undefined;
  /** Whether answers carry the token in the body. */
  readonly inBody: boolean;
  /** The cookie that carries the token, or clears it (`undefined`). None in body transport. */
  cookies(refreshToken: string | undefined): readonly CookieToSet[];
  /** A refused refresh takes the dead cookie away, on the error answer itself. */
  clearingHeaders(): Readonly<Record<string, string>>;
  /**
   * Cross-site requests must not use or set the cookie: an Origin that is not allowed, or `Sec-Fetch-Site: cross-site`, is 403
   * (OWASP CSRF Prevention Cheat Sheet, "Verifying Origin", "Fetch Metadata"). Clients that send neither are not browsers.
   */
  assertSameSite(request: RouteRequest): void;
}

export const createRefreshTransport = (
  settings: Pick<
    AuthSettings,
    | 'refreshTransport'
    | 'refreshCookie'
    | 'refreshCookiePath'
    | 'refreshTokenTtlSeconds'
    | 'cookieSecure'
    | 'corsOrigins'
  >,
): RefreshTransport => {
  const { refreshTransport, refreshCookie: name, refreshCookiePath: path } = settings;
  const usesCookie = refreshTransport !== 'body';
  const cookie = (value: string | undefined): CookieToSet => ({
    name,
    value,
    maxAgeSeconds: settings.refreshTokenTtlSeconds,
    path,
  });
  const readCookie: RefreshTransport['readCookie'] = ({ cookieHeader }) => {
    if (!usesCookie) return undefined;
    const values = cookieValues(cookieHeader, name);
    if (values.length > 1) throw new Problem('cookie_ambiguous', { params: { cookie: name } });
    return values[0] === '' ? undefined : values[0];
  };
  return {
    inBody: refreshTransport !== 'cookie',
    read: (request) => {
      const given = request.body['refresh_token'];
      if (refreshTransport !== 'cookie' && typeof given === 'string' && given !== '') return given;
      return readCookie(request);
    },
    readCookie,
    cookies: (refreshToken) => (usesCookie ? [cookie(refreshToken)] : []),
    clearingHeaders: () =>
      usesCookie ? { 'set-cookie': setCookieHeader(cookie(undefined), settings.cookieSecure) } : {},
    assertSameSite: (request) => {
      if (usesCookie) refuseCrossSite(request, settings);
    },
  };
};

const refuseCrossSite = (
  request: RouteRequest,
  { corsOrigins, cookieSecure }: Pick<AuthSettings, 'corsOrigins' | 'cookieSecure'>,
): void => {
  const origin = request.header('origin');
  const site = request.header('sec-fetch-site');
  const foreign =
    origin !== undefined && !corsOrigins.includes(origin) && !isOwn(origin, request.header('host'), cookieSecure);
  if (foreign || site === 'cross-site') throw new Problem('origin_refused');
};

/**
 * A page of this server's own. Over plain HTTP anybody on the way can write such a page, so it counts only where cookies are not Secure,
 * or on this very machine.
 */
const isOwn = (origin: string, host: string | undefined, cookieSecure: boolean): boolean => {
  const url = URL.parse(origin);
  if (url === null || url.host === '' || url.host !== host) return false;
  return url.protocol === 'https:' || !cookieSecure || loopbacks.has(url.hostname);
};

const loopbacks: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

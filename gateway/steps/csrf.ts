import { Problem } from '@sallyport/contract';
import { cookieValues } from '@sallyport/kit/cookies';
import type { CsrfTokens } from '@sallyport/kit/csrf';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { safeMethods } from '../routes.ts';

export interface CsrfOptions {
  readonly tokens: Pick<CsrfTokens, 'isValid'>;
  /** Name of the cookie. */
  readonly cookie: string;
  /** CORS_ORIGINS: pages that may call, beside the gateway's own. */
  readonly origins?: readonly string[];
}

/**
 * Header and cookie, each made for the access token's session, then what the browser says about the page. Two equal values
 * alone prove nothing: whoever can set a cookie from a sibling domain sets both. A refresh in another tab renews one of the two
 * and does no harm.
 */
export const csrf = ({ tokens, cookie, origins = [] }: CsrfOptions): Step => {
  const allowed: ReadonlySet<string> = new Set(origins);

  const judgeTokens = ({ token, headers }: Exchange): Outcome => {
    const inHeader = headers.csrf.filter((value) => value !== '');
    const inCookie = cookieValues(headers.cookie, cookie).filter((value) => value !== '');
    const [headerToken] = inHeader;
    const [cookieToken] = inCookie;
    if (headerToken === undefined) return new Problem('csrf_header_missing');
    if (inHeader.length > 1) return new Problem('header_invalid', { params: { header: 'x-csrf-token' } });
    if (cookieToken === undefined) return new Problem('csrf_cookie_missing');
    if (inCookie.length > 1) return new Problem('cookie_ambiguous', { params: { cookie } });
    // As the issuer spells it, which made the CSRF token too.
    const sid = token?.subject.sid;
    if (sid === undefined) return new Problem('csrf_unbound');
    if (tokens.isValid(headerToken, sid) && tokens.isValid(cookieToken, sid)) return undefined;
    return new Problem('csrf_mismatch');
  };

  /** Browsers send `Origin` with everything unsafe and with WebSockets; what sends none is no browser, or an old one. */
  const judgePage = ({ headers }: Exchange): Outcome => {
    const [origin] = headers.origin;
    if (headers.origin.length > 1) return new Problem('header_invalid', { params: { header: 'origin' } });
    if (origin !== undefined) {
      return allowed.has(origin) || isOwn(origin, headers.host[0]) ? undefined : new Problem('origin_refused');
    }
    return headers.fetchSite.includes('cross-site') ? new Problem('origin_refused') : undefined;
  };

  const run = (exchange: Exchange): Outcome => {
    const { method, route, token, isUpgrade, sentAccessCookie } = exchange;
    if (route?.kind !== 'proxy' || token === undefined || route.csrf === 'never') return undefined;
    if (route.csrf === 'cookie' && !sentAccessCookie) return undefined;
    // A page cannot put a token on a handshake: where it comes from is all there is to ask.
    if (isUpgrade) return judgePage(exchange);
    if (safeMethods.includes(method)) return undefined;
    return judgeTokens(exchange) ?? judgePage(exchange);
  };
  return { name: 'CSRF', run };
};

/**
 * A page of the gateway's own. Over plain HTTP anybody on the way can write such a page, so it counts on this machine only;
 * CORS_ORIGINS can list it.
 */
const isOwn = (origin: string, host: string | undefined): boolean =>
  host !== undefined && (origin === `https://${host}` || (origin === `http://${host}` && loopback.test(host)));

const loopback = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

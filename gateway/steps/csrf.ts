import { Problem } from '@sallyport/contract';
import { cookieValues } from '@sallyport/kit/cookies';
import type { CsrfTokens } from '@sallyport/kit/csrf';
import type { Exchange, Outcome, Step } from '../exchange.ts';

export interface CsrfOptions {
  readonly tokens: Pick<CsrfTokens, 'isValid'>;
  /** Name of the cookie. */
  readonly cookie: string;
}

/** RFC 9110 §9.2.1. Whatever is not safe needs the token; a new unsafe method would need it by itself. */
const safeMethods: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Header and cookie, each made for the access token's session. Two equal values alone prove nothing: whoever can set a
 * cookie from a sibling domain sets both. A refresh in another tab renews one of the two and does no harm.
 */
export const csrf = ({ tokens, cookie }: CsrfOptions): Step => {
  const run = ({ req, route, token, headers }: Exchange): Outcome => {
    if (route?.kind !== 'proxy' || !route.isProtected || safeMethods.includes(req.method)) return undefined;
    const inHeader = headers.csrf.filter((value) => value !== '');
    const inCookie = cookieValues(headers.cookie, cookie).filter((value) => value !== '');
    const [headerToken] = inHeader;
    const [cookieToken] = inCookie;
    if (headerToken === undefined) return new Problem('csrf_header_missing');
    if (inHeader.length > 1) return new Problem('header_invalid', { params: { header: 'x-csrf-token' } });
    if (cookieToken === undefined) return new Problem('csrf_cookie_missing');
    if (inCookie.length > 1) return new Problem('cookie_ambiguous', { params: { cookie } });
    const sid = token?.claims.sid;
    if (sid === undefined) return new Problem('csrf_unbound');
    if (tokens.isValid(headerToken, sid) && tokens.isValid(cookieToken, sid)) return undefined;
    return new Problem('csrf_mismatch');
  };
  return { name: 'CSRF', run };
};

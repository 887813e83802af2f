import { stringifySetCookie } from 'cookie';
import type { CookieToSet } from '../route.ts';

/** One Set-Cookie value: HttpOnly, SameSite=Strict, no Domain; cleared with the same attributes. */
export const setCookieHeader = ({ name, value, maxAgeSeconds, path }: CookieToSet, secure: boolean): string =>
  stringifySetCookie(
    {
      name,
      value: value ?? '',
      maxAge: value === undefined ? 0 : maxAgeSeconds,
      path,
      httpOnly: true,
      secure,
      sameSite: 'strict',
    },
    // The values are base64 and base64url, whose characters are all lawful in a cookie (RFC 6265 §4.1.1).
    { encode: (text) => text },
  );

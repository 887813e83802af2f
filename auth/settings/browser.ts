/** What pages may do, and the cookies they get. */
import { booleanSetting, choiceSetting, durationSetting, originsSetting, textSetting } from '@sallyport/kit/config';

export const browserSettings = {
  corsOrigins: originsSetting({
    env: 'CORS_ORIGINS',
    default: [],
    doc: 'Origins that pages may call from, with credentials.',
  }),
  cookieSecure: booleanSetting({
    env: 'COOKIE_SECURE',
    default: true,
    insecure: (secure) => (secure ? undefined : 'is off: cookies travel over plain HTTP'),
    doc: 'Cookies carry Secure.',
  }),
  refreshTransport: choiceSetting({
    env: 'REFRESH_TRANSPORT',
    values: ['body', 'cookie', 'both'],
    default: 'body',
    doc: 'Where the refresh token travels: in the JSON body, in an HttpOnly cookie, or in either.',
  }),
  refreshCookie: textSetting({
    env: 'REFRESH_COOKIE_NAME',
    default: '__Host-refresh_token',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    doc: 'Name of that cookie.',
  }),
  refreshCookiePath: textSetting({
    env: 'REFRESH_COOKIE_PATH',
    default: '/',
    pattern: /^\/[A-Za-z0-9/_-]*$/,
    doc: 'Path of that cookie. A name that begins with `__Host-` needs `/`.',
  }),
  csrfCookie: textSetting({
    env: 'CSRF_COOKIE_NAME',
    default: '__Host-csrf_token',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    doc: 'Name of the cookie that carries the CSRF token.',
  }),
  csrfCookieTtlSeconds: durationSetting({
    env: 'CSRF_COOKIE_TTL_SECONDS',
    unit: 'seconds',
    min: 60,
    default: 604_800,
    doc: 'Max-Age of that cookie; it is renewed with each refresh.',
  }),
};

/**
 * True for header names that adapters hide from handlers. Folded first: proxies and CGI-like layers take `X_User.Id` and
 * `X-User-Id` for one name.
 */
export declare const isIdentityHeader: (name: string) => boolean;

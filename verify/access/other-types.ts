/**
 * What a token is for, as issuers said it before RFC 9068 gave access tokens a `typ` of their own: claims of the payload. Asked only
 * where an issuer's header may say nothing (`allowMissingTyp`), since there a refresh, ID or logout token has the right issuer, the
 * right key and the same header.
 */
type Payload = Readonly<Record<string, unknown>>;

/** Claims that mean nothing else (Cognito, SimpleJWT, Keycloak …). What stands there has to be a word for an access token. */
const typeClaims = ['token_use', 'token_type', 'typ'] as const;
const accessWords: ReadonlySet<unknown> = new Set(['access', 'access_token', 'bearer', 'jwt', 'at+jwt']);

/** These may also say something else, such as what kind of user it is: only words for another token count. */
const looseClaims = ['type', 'tokenType', 'tokenUse', 'purpose', 'use', 'kind'] as const;
const otherWords: ReadonlySet<unknown> = new Set([
  ...['refresh', 'id', 'identity', 'logout', 'offline', 'assertion', 'csrf'],
  ...['reset', 'password_reset', 'reset_password', 'verification', 'email_verification', 'verify_email', 'activation'],
  ...['invitation', 'invite', 'magic_link', 'mfa', '2fa', 'otp'],
]);

/**
 * OpenID Connect Core §3.3.2.11: hashes that an ID token alone carries. Back-Channel Logout §2.4, RFC 8417 §2.2: `events`. Spring Security
 * OAuth names the access token in its refresh token: `ati`.
 */
const tellingClaims = ['at_hash', 'c_hash', 's_hash', 'events', 'ati'] as const;

/** Written as yes or no. */
const flags = ['refresh', 'is_refresh', 'isRefresh', 'is_refresh_token', 'isRefreshToken'] as const;

const wordOf = (value: unknown): unknown => (typeof value === 'string' ? value.trim().toLowerCase() : value);

/** `refresh_token`, `Refresh-Token`, `RefreshToken`, `password-reset`. */
const bareWord = (value: unknown): unknown => {
  const word = wordOf(value);
  return typeof word === 'string' ? word.replace(/[ _+-]?(?:token|jwt)$/, '').replaceAll(/[ -]/g, '_') : word;
};

/** Whether a payload says, in one way or another, that it is no access token. */
export const isOtherType = (payload: Payload): boolean => {
  if (tellingClaims.some((claim) => payload[claim] !== undefined)) return true;
  if (flags.some((claim) => payload[claim] === true)) return true;
  if (looseClaims.some((claim) => [payload[claim]].flat().some((word) => otherWords.has(bareWord(word))))) return true;
  const said = typeClaims.map((claim) => payload[claim]).filter((value) => value !== undefined);
  if (said.length > 0) return !said.every((value) => accessWords.has(wordOf(value)));
  // Core §2: the nonce of an ID token. Some issuers copy it into access tokens, and those say what they are.
  return payload['nonce'] !== undefined;
};

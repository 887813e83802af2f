/**
 * The error catalogue: every code that any part of Sallyport may put on the wire.
 * A code is a promise: it is never renamed and never changes its meaning.
 * On the wire an error is RFC 9457 problem details (see `problem.ts`).
 */

/** What a caller may do next. `never`: the same request fails again. `later`: wait `Retry-After`, then repeat. `refresh`: refresh the access token, then repeat. `login`: a new login is needed. */
export type Retry = 'never' | 'later' | 'refresh' | 'login';

export interface ErrorEntry {
  readonly status: number;
  /** Public, constant text (RFC 9457 `title`). */
  readonly title: string;
  /** Names of the members that `params` carries. */
  readonly params: readonly string[];
  readonly retry: Retry;
}

const entry = (status: number, title: string, retry: Retry = 'never', ...params: string[]): ErrorEntry =>
  Object.freeze({ status, title, params: Object.freeze(params), retry });

export const errorCatalogue = {
  // Requests
  body_invalid: entry(400, 'Invalid request body'),
  field_missing: entry(400, 'A required member is missing'),
  field_invalid: entry(400, 'A member has the wrong form'),
  query_invalid: entry(400, 'Invalid query'),
  header_invalid: entry(400, 'A header has the wrong form', 'never', 'header'),
  path_refused: entry(400, 'The request target is not in canonical form'),
  cookie_ambiguous: entry(400, 'A cookie was sent more than once', 'never', 'cookie'),
  route_unknown: entry(404, 'Route not found'),
  not_found: entry(404, 'Not found'),
  already_exists: entry(409, 'There is one of that name'),
  quota_reached: entry(409, 'There are as many as a user may have', 'never', 'limit'),
  method_not_allowed: entry(405, 'Method not allowed'),
  not_acceptable: entry(406, 'Not acceptable'),
  body_too_large: entry(413, 'Request body too large', 'never', 'limitBytes'),
  uri_too_long: entry(414, 'Request target too long'),
  media_type_unsupported: entry(415, 'Content type not supported'),
  request_timeout: entry(408, 'The request took too long to arrive', 'later'),
  headers_too_large: entry(431, 'Request header fields too large'),
  request_malformed: entry(400, 'The request is not valid HTTP'),
  idempotency_key_invalid: entry(400, 'Idempotency-Key must be 22 to 128 base64url characters'),

  // Accounts and passwords
  email_invalid: entry(400, 'Not an e-mail address'),
  username_unseen: entry(400, 'The user name holds a character that cannot be seen'),
  password_too_short: entry(400, 'Password too short', 'never', 'minimum'),
  password_too_long: entry(400, 'Password too long', 'never', 'limitBytes'),
  password_invalid: entry(400, 'The password holds a character that none may hold'),
  password_personal: entry(400, 'The password is made of what is known about the person'),
  password_common: entry(400, 'The password is a commonly used one'),
  password_weak: entry(400, 'The password is easy to guess', 'never', 'score', 'minimum'),
  password_breached: entry(400, 'The password is known from a data breach'),
  password_check_unavailable: entry(503, 'The password could not be checked', 'later', 'retryAfterSeconds'),
  password_hash_refused: entry(400, 'The password hash cannot be imported', 'never', 'reason'),
  password_unchanged: entry(400, 'The new password is the old one'),
  account_exists: entry(409, 'An account with this identifier exists'),
  credentials_invalid: entry(401, 'Invalid credentials'),
  account_disabled: entry(403, 'Account is disabled'),
  factor_required: entry(401, 'A further factor is required'),
  step_up_required: entry(401, 'A fresh authentication is required', 'login'),
  email_unverified: entry(403, 'The e-mail address is not verified'),
  password_change_required: entry(403, 'The password must be changed'),

  // Access tokens
  token_missing: entry(401, 'Authorization header missing', 'login'),
  authorization_malformed: entry(401, 'Authorization header is not "Bearer <token>"', 'login'),
  token_invalid: entry(401, 'Invalid token', 'refresh'),
  token_expired: entry(401, 'Token expired', 'refresh'),
  token_revoked: entry(401, 'Token revoked', 'login'),
  token_stale: entry(401, 'Token is older than a change of the account', 'refresh'),
  user_unknown: entry(401, 'User not found', 'login'),
  permission_denied: entry(403, 'Permission denied'),
  credential_invalid: entry(401, 'Invalid service credential'),
  scope_insufficient: entry(403, 'The token has not the scope that is needed'),

  // Refresh tokens and sessions
  refresh_invalid: entry(401, 'Invalid refresh token', 'login'),
  refresh_expired: entry(401, 'Refresh token expired', 'login'),
  refresh_reused: entry(401, 'Refresh token used again', 'login'),
  session_revoked: entry(401, 'Session revoked', 'login'),
  session_lost: entry(401, 'Session is unknown to the store', 'login'),
  proof_required: entry(401, 'Proof of possession required', 'never', 'nowSeconds'),
  proof_invalid: entry(401, 'Invalid proof of possession'),
  proof_replayed: entry(401, 'Proof of possession used again'),
  session_unknown: entry(404, 'Session not found'),

  // Devices
  device_key_invalid: entry(400, 'The public key cannot be used'),
  device_unknown: entry(404, 'Device not found'),
  device_limit_reached: entry(409, 'The user has as many devices as may be', 'never', 'limit'),

  // CSRF
  csrf_header_missing: entry(403, 'CSRF token missing in header'),
  csrf_cookie_missing: entry(403, 'CSRF token missing in cookie'),
  csrf_mismatch: entry(403, 'CSRF token mismatch'),
  csrf_unbound: entry(403, 'The access token names no session that a CSRF token could be bound to', 'login'),
  origin_refused: entry(403, 'Origin not allowed'),

  // Gateway and services behind it
  assertion_missing: entry(401, 'Gateway assertion missing'),
  assertion_invalid: entry(401, 'Invalid gateway assertion'),
  assertion_replayed: entry(401, 'Gateway assertion used again'),
  user_id_invalid: entry(400, 'Invalid user ID format'),
  identity_too_large: entry(500, 'Internal server error'),
  upgrade_refused: entry(501, 'Protocol upgrades are not served'),
  upstream_unavailable: entry(502, 'Service unavailable', 'later'),
  upstream_timeout: entry(504, 'Service took too long', 'later'),
  revocation_unavailable: entry(503, 'Revocation state unknown', 'later'),

  // Keys
  no_public_key: entry(404, 'This issuer has no public key'),
  keys_external: entry(409, 'The issuer does not sign with the ring, but with a key of a file or a secret'),
  key_signs: entry(409, 'The key signs: it has to be rotated first'),
  public_key_unavailable: entry(500, 'public key not available'),

  // Limits and state of the servers
  rate_limited: entry(429, 'Too many requests', 'later', 'retryAfterSeconds'),
  busy: entry(503, 'Too busy', 'later', 'retryAfterSeconds'),
  audit_unavailable: entry(503, 'The act could not be written down first', 'later', 'retryAfterSeconds'),
  store_unavailable: entry(503, 'Store unavailable', 'later', 'retryAfterSeconds'),
  not_ready: entry(503, 'Not ready', 'later', 'retryAfterSeconds'),
  shutting_down: entry(503, 'Shutting down', 'later', 'retryAfterSeconds'),
  internal_error: entry(500, 'Internal server error', 'later'),
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorCatalogue;

export const errorCodes = Object.freeze(Object.keys(errorCatalogue)) as readonly ErrorCode[];

export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(errorCatalogue, value);

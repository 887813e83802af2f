import { type ErrorCode, type Problem, proofChallenge } from '@sallyport/contract';

/** Codes that say: a token was sent, and it is no good (RFC 6750 §3.1 `invalid_token`). */
const invalidTokenCodes: ReadonlySet<ErrorCode> = new Set([
  'token_invalid',
  'token_expired',
  'token_revoked',
  'token_stale',
  'user_unknown',
  'credential_invalid',
]);

// RFC 6750 §3: "Bearer" is followed by at least one auth-param; §3.1: no error code where no token was sent.
const challenge = (code: ErrorCode): string => proofChallenge(code) ?? bearerChallenge(code);

const bearerChallenge = (code: ErrorCode): string =>
  invalidTokenCodes.has(code) ? 'Bearer realm="sallyport", error="invalid_token"' : 'Bearer realm="sallyport"';

/**
 * Response headers of a problem, lower-case names: `retry-after` in seconds, `www-authenticate` with every 401
 * (RFC 9110 §15.5.2), `cache-control: no-store`, then the problem's own, which win.
 */
export const problemHeaders = (problem: Problem): Record<string, string> => ({
  'cache-control': 'no-store',
  ...(problem.status === 401 && { 'www-authenticate': challenge(problem.code) }),
  // RFC 9110 §10.2.3: whole seconds; rounded up, so that nobody comes back too early.
  ...(problem.retryAfterSeconds !== undefined && { 'retry-after': String(Math.ceil(problem.retryAfterSeconds)) }),
  ...problem.headers,
});

import type { ErrorCode } from '@sallyport/contract';

type IssuersWord = Extract<
  ErrorCode,
  | 'refresh_invalid'
  | 'refresh_expired'
  | 'refresh_reused'
  | 'session_revoked'
  | 'session_lost'
  | 'proof_required'
  | 'user_unknown'
>;

/**
 * Why a session is over. `signed_out`: the application said so. `signed_out_elsewhere`: another tab did. `signed_in_elsewhere`: a login in
 * another tab took this session's place. `no_session`: there was none. The others are the issuer's codes.
 */
export type SignedOutCause = 'signed_out' | 'signed_out_elsewhere' | 'signed_in_elsewhere' | 'no_session' | IssuersWord;

const issuersWords: ReadonlySet<unknown> = new Set<IssuersWord>([
  'refresh_invalid',
  'refresh_expired',
  'refresh_reused',
  'session_revoked',
  'session_lost',
  'proof_required',
  'user_unknown',
]);

/** Only these codes end a session: 429, 5xx and whatever a proxy says, even with 401, keep it. */
export const issuersWord = (body: Readonly<Record<string, unknown>>): IssuersWord | undefined =>
  issuersWords.has(body['code']) ? (body['code'] as IssuersWord) : undefined;

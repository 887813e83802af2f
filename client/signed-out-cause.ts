import type { RefreshRefusal } from '@sallyport/contract';
import { memberOf } from './member-of.ts';

/**
 * Why a session is over. `signed_out`: the application said so. `signed_out_elsewhere`: another tab did. `signed_in_elsewhere`: a login in
 * another tab took this session's place. `no_session`: there was none. The others are the issuer's codes.
 */
export type SignedOutCause =
  | 'signed_out'
  | 'signed_out_elsewhere'
  | 'signed_in_elsewhere'
  | 'no_session'
  | RefreshRefusal;

/** The contract's own list; written out because a bundle for pages holds no other package. The types keep the two equal. */
const issuersWords: Readonly<Record<RefreshRefusal, true>> = {
  refresh_invalid: true,
  refresh_expired: true,
  refresh_reused: true,
  session_revoked: true,
  session_lost: true,
  proof_required: true,
  user_unknown: true,
};

/** Only these codes end a session: 429, 5xx and whatever a proxy says, even with 401, keep it. */
export const issuersWord = (body: Readonly<Record<string, unknown>>): RefreshRefusal | undefined => {
  const code = memberOf(body, 'code') ?? '';
  return Object.hasOwn(issuersWords, code) ? (code as RefreshRefusal) : undefined;
};

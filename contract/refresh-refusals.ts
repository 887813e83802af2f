import type { ErrorCode } from './errors.ts';

/** Why a refresh is refused, in the issuer's own words: each ends the session for whoever asked, and nothing else does. */
export const refreshRefusals = [
  'refresh_invalid',
  'refresh_expired',
  'refresh_reused',
  'session_revoked',
  'session_lost',
  'proof_required',
  'user_unknown',
] as const satisfies readonly ErrorCode[];

export type RefreshRefusal = (typeof refreshRefusals)[number];

import type { AccessTokenClaims, ErrorCode, SignatureAlgorithm } from '@sallyport/contract';
import type { CompactFailure } from '../jws/parse-compact.ts';

/** What is asked about every token, also about a cached one. */
export interface RevocationSubject {
  readonly iss: string;
  readonly sub: string;
  readonly sid: string | undefined;
  readonly uep: number | undefined;
  readonly kid: string;
  /** Seconds. */
  readonly iat: number;
}

/** `stale`: older than a change of the account. `unknown`: the feed cannot say; the token is refused with 503. */
export type RevocationState = 'active' | 'revoked' | 'stale' | 'unknown';

/** The same object for the same token as long as it is cached. */
export interface VerifiedToken {
  /** Normalised and deeply frozen: `sub` is present, `roles` and `permissions` are lists. */
  readonly claims: AccessTokenClaims;
  /** Of the key that verified, also where the token named none. */
  readonly kid: string;
  readonly alg: SignatureAlgorithm;
  /** `exp`, without leeway. */
  readonly expiresAtMs: number;
  readonly subject: RevocationSubject;
  /**
   * `cnf.jkt`: of the key whose proof has to come with the token. Undefined: it serves whoever bears it. Empty: it is bound to something that
   * no proof shows here.
   */
  readonly boundKeyThumbprint: string | undefined;
  /**
   * Empty: room for what its holder prepares from it, whoever prepared and what in turn. It lives as long as the token is cached. (A
   * WeakMap would do, and with thousands of new tokens a second its table costs more than what it saves.)
   */
  readonly prepared: unknown[];
}

/** Why a token was refused, for metrics and log. A closed list; never holds text of the token. */
export type RefusalReason =
  | CompactFailure
  | 'header_forbidden'
  | 'header_malformed'
  | 'type'
  | 'algorithm'
  | 'issuer'
  | 'kid_missing'
  | 'key_unknown'
  | 'keys_unavailable'
  | 'signature'
  | 'audience'
  | 'claim_missing'
  | 'claim_malformed'
  | 'claim_conflict'
  | 'not_yet_valid'
  | 'expired'
  | 'revoked'
  | 'stale'
  | 'revocation_unknown'
  | 'bound'
  | 'unbound';

/** `not_ready` (503): no key has been fetched yet, or none within the stale bound; the token has not been judged. */
export type RefusalCode = ErrorCode &
  (
    | 'token_invalid'
    | 'token_expired'
    | 'token_revoked'
    | 'token_stale'
    | 'revocation_unavailable'
    | 'not_ready'
    | 'proof_required'
    | 'proof_invalid'
  );

export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly reason: RefusalReason;
}

export type Verification = { readonly ok: true; readonly token: VerifiedToken } | Refusal;

const codes: Readonly<Partial<Record<RefusalReason, RefusalCode>>> = {
  expired: 'token_expired',
  revoked: 'token_revoked',
  stale: 'token_stale',
  revocation_unknown: 'revocation_unavailable',
  keys_unavailable: 'not_ready',
  bound: 'proof_required',
  unbound: 'proof_invalid',
};

/** The public code and the private reason of one refusal. */
export const refuse = (reason: RefusalReason): Refusal =>
  Object.freeze({ ok: false, code: codes[reason] ?? 'token_invalid', reason });

import type { RefusalReason } from './refusal.ts';

/** One class of tokens that `jose` 6 accepts and Sallyport refuses. */
export interface Stricter {
  readonly name: string;
  readonly reason: RefusalReason;
  readonly why: string;
}

/**
 * Everything that the fast path refuses beyond `jose.jwtVerify` (same issuer, audience, algorithm, type, required claims and
 * tolerance). What the fast path accepts jose accepts, with equal claims; a test compares the two and this list.
 */
export const stricterThanJose: readonly Stricter[] = Object.freeze([
  { name: 'non-canonical base64url', reason: 'encoding', why: 'RFC 7515 §2: one token, one spelling, one cache key' },
  {
    name: 'duplicate header members',
    reason: 'header_json',
    why: 'RFC 7515 §4: names MUST be unique; parsers differ on which wins',
  },
  { name: 'duplicate claims', reason: 'payload_json', why: 'RFC 7519 §4: the same of claims' },
  { name: 'deep nesting', reason: 'payload_json', why: 'bounded work for every token' },
  { name: 'over the size limit', reason: 'oversize', why: 'bounded work for every token' },
  {
    name: 'jku, jwk, x5u, x5c, zip, enc, b64 in the header',
    reason: 'header_forbidden',
    why: 'RFC 8725 §3.10: nothing in a token may choose its key',
  },
  { name: 'empty or non-string kid', reason: 'header_malformed', why: 'RFC 7515 §4.1.4: its value MUST be a string' },
  {
    name: 'no kid',
    reason: 'kid_missing',
    why: 'a key is chosen, not guessed, unless the issuer is allowed to leave it out',
  },
  {
    name: 'claims of the wrong type',
    reason: 'claim_malformed',
    why: 'RFC 7519 §4.1: StringOrURI, NumericDate; they become headers and identities',
  },
  { name: 'control characters in names', reason: 'claim_malformed', why: 'they become header values and log fields' },
  { name: 'dates before 1970 or after 9999', reason: 'claim_malformed', why: 'no issuer means them' },
  { name: 'user_id other than sub', reason: 'claim_conflict', why: 'one token, one user' },
  {
    name: 'bound to a key, as a bearer token',
    reason: 'bound',
    why: 'RFC 9449 §7.1: without a proof of that key it is nobody’s',
  },
  {
    name: 'iat in the future',
    reason: 'not_yet_valid',
    why: 'RFC 7519 §4.1.6: jose judges iat only together with a maximum age',
  },
] as const);

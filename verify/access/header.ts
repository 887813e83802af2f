import { accessTokenType, isSignatureAlgorithm, type SignatureAlgorithm } from '@sallyport/contract';
import type { IssuerPolicy } from './policy.ts';
import type { RefusalReason } from './refusal.ts';

/**
 * Parameters that change what a token means or where its key comes from. RFC 7515 §4.1.11: a recipient that does not
 * understand a `crit` extension MUST reject; we understand none. RFC 8725 §3.10: keys from `jku`, `x5u`, `jwk`, `x5c` are an
 * attacker's keys, and the addresses an attacker's requests.
 */
const forbidden = ['crit', 'b64', 'zip', 'enc', 'jku', 'jwk', 'x5u', 'x5c'] as const;

export interface CheckedHeader {
  readonly alg: SignatureAlgorithm;
  readonly kid: string | undefined;
  /** Lower-case, without `application/`; undefined when absent. */
  readonly typ: string | undefined;
}

/** RFC 7515 §4.1.9: media types compare case-insensitively, and "application/" may be left out. */
const mediaType = (typ: string): string => {
  const lower = typ.toLowerCase();
  return lower.startsWith('application/') ? lower.slice('application/'.length) : lower;
};

/** Checks form and forbidden parameters of a JOSE header, for access tokens and assertions alike. */
export const checkHeader = (header: Readonly<Record<string, unknown>>): CheckedHeader | RefusalReason => {
  for (const name of forbidden) if (Object.hasOwn(header, name)) return 'header_forbidden';
  const { alg, kid, typ } = header;
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) return 'header_malformed';
  if (typ !== undefined && typeof typ !== 'string') return 'header_malformed';
  // RFC 7515 §4.1.1: alg is a case-sensitive string; `none` and its spellings are not in the list.
  if (!isSignatureAlgorithm(alg)) return 'algorithm';
  return { alg, kid, typ: typ === undefined ? undefined : mediaType(typ) };
};

/**
 * RFC 9068 §4: "The resource server MUST verify that the 'typ' header value is 'at+jwt' or 'application/at+jwt' and reject
 * tokens carrying any other value."
 */
export const isAccessTokenType = (typ: string | undefined, { legacy }: IssuerPolicy): boolean =>
  typ === accessTokenType || (legacy.allowMissingTyp && (typ === undefined || typ === 'jwt'));

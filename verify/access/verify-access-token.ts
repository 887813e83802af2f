import { accessTokenType, type SignatureAlgorithm, type TokenType } from '@sallyport/contract';
import { type CompactJws, compactParser } from '../jws/parse-compact.ts';
import { verifySignature } from '../jws/signature.ts';
import type { KeySet, VerificationKey } from '../keys/key-source.ts';
import { checkClaims } from './claims.ts';
import { type CheckedHeader, checkHeader, isAccessTokenType } from './header.ts';
import { isOtherType } from './other-types.ts';
import { type AccessTokenVerifierOptions, type IssuerPolicy, verifierPolicy } from './policy.ts';
import { type RefusalReason, refuse, type Verification, type VerifiedToken } from './refusal.ts';
import { looksScoped, scopedClaims } from './scoped-claims.ts';
import { createTokenCache } from './token-cache.ts';

/**
 * Access tokens are judged here and nowhere else: parse, header, issuer, key, signature, claims, time, revocation, in
 * this order. A verifier never fetches what a token names, never throws because of a token, and never says in a reason
 * what stood in one. Successes alone are cached; each hit is asked again for time, key and revocation.
 */
export interface AccessTokenVerifier {
  /**
   * Synchronous unless a key has to be fetched first. Never throws or rejects because of the token.
   * @param scheme how it was presented, default `Bearer`; RFC 9449 §7.2: a token that is bound to a key is refused so. With `DPoP` it passes
   * for the caller to check a proof of `boundKeyThumbprint`, and one that is bound to none is refused
   */
  verify(token: string, scheme?: TokenType): Verification | Promise<Verification>;
  /** What is known of a token that was good before, judged anew but for its signature. Undefined: `verify` has to be asked. */
  seen(token: string, scheme?: TokenType): Verification | undefined;
  stats(): {
    readonly hits: number;
    readonly verified: number;
    readonly refused: number;
    readonly entries: number;
    readonly bytes: number;
    readonly evictions: number;
  };
}

/** One judged token: what has to be asked again at each use. */
interface Judged {
  readonly verification: { readonly ok: true; readonly token: VerifiedToken };
  readonly policy: IssuerPolicy;
  readonly key: VerificationKey;
  keySet: KeySet;
  /** The one that it passes in. */
  readonly scheme: TokenType;
  readonly notBeforeMs: number;
}

interface Candidate {
  readonly scheme: TokenType;
  readonly jws: CompactJws<CheckedHeader>;
  readonly policy: IssuerPolicy;
}

const canUse = (key: VerificationKey, alg: SignatureAlgorithm, kid: string | undefined): boolean =>
  (kid === undefined || key.kid === kid) && key.algorithms.includes(alg);

/** RFC 8725 §3.8: the key has to belong to the issuer; RFC 8725 §3.1: and be bound to the algorithm. */
const findSigner = ({ jws }: Candidate, keySet: KeySet): VerificationKey | 'none' | 'wrong' => {
  const { alg, kid } = jws.header;
  let tried = false;
  for (const key of keySet.keys) {
    if (!canUse(key, alg, kid)) continue;
    if (verifySignature(alg, key.key, jws.signingInput, jws.signature)) return key;
    tried = true;
  }
  return tried ? 'wrong' : 'none';
};

/**
 * Verifies access tokens (RFC 9068) of the trusted issuers.
 * @throws TypeError for a misspelt or missing option, an issuer without algorithms, or one without audience
 */
export const createAccessTokenVerifier = (options: AccessTokenVerifierOptions): AccessTokenVerifier => {
  const { issuers, hasScopes, nowMs, leewayMs, maxTokenBytes, cacheBytes, isRevoked } = verifierPolicy(options);
  const parse = compactParser<CheckedHeader, RefusalReason>(checkHeader, maxTokenBytes);
  const cache = createTokenCache<Judged>(cacheBytes);
  const counts = { hits: 0, verified: 0, refused: 0 };

  const refused = (reason: RefusalReason): Verification => {
    counts.refused += 1;
    return refuse(reason);
  };

  const readCandidate = (token: string, scheme: TokenType): Candidate | RefusalReason => {
    const jws = parse(token);
    if (typeof jws === 'string') return jws;
    const { header } = jws;
    const { iss } = jws.payload;
    const policy = typeof iss === 'string' ? issuers.get(iss) : undefined;
    if (!policy) return 'issuer';
    // RFC 8725 §3.11: explicit types keep refresh, ID, logout and assertion tokens from passing as access tokens.
    if (!isAccessTokenType(header.typ, policy)) return 'type';
    if (header.typ !== accessTokenType && isOtherType(jws.payload)) return 'type';
    if (!policy.algorithms.includes(header.alg)) return 'algorithm';
    if (header.kid === undefined && !policy.legacy.allowMissingKid) return 'kid_missing';
    return { scheme, jws, policy };
  };

  /** Asked at every use of a token, first or cached. RFC 7519 §4.1.4: on or after `exp` the token MUST NOT be accepted. */
  const judgeNow = (judged: Judged, scheme: TokenType, now: number): RefusalReason | undefined => {
    const { verification, notBeforeMs } = judged;
    const { token } = verification;
    if (judged.scheme !== scheme) return scheme === 'DPoP' ? 'unbound' : 'bound';
    if (now >= token.expiresAtMs + leewayMs) return 'expired';
    if (now + leewayMs < notBeforeMs) return 'not_yet_valid';
    const state = isRevoked ? isRevoked(token.subject) : 'active';
    if (state === 'active') return undefined;
    return state === 'unknown' ? 'revocation_unknown' : state;
  };

  const judge = (candidate: Candidate, keySet: KeySet, key: VerificationKey): Judged | RefusalReason => {
    const { jws, policy } = candidate;
    const { idScope } = policy;
    const checked = checkClaims(jws.payload, jws.plain, policy);
    if (typeof checked === 'string') return checked;
    if (hasScopes && idScope === undefined && looksScoped(checked)) return 'claim_malformed';
    const { iss, sub, sid, uep, iat, nbf = 0, exp, cnf } = checked;
    const claims = idScope === undefined ? checked : scopedClaims(checked, idScope);
    // The issuer's own spelling: its feed knows no other.
    const subject = Object.freeze({ iss, sub, sid, uep, kid: key.kid, iat });
    const { alg } = jws.header;
    const expiresAtMs = exp * 1000;
    // RFC 7800 §3.1: a confirmation that is not understood is not one that has been given.
    const boundKeyThumbprint = cnf && (cnf.jkt ?? '');
    const token = Object.freeze<VerifiedToken>({
      claims,
      kid: key.kid,
      alg,
      expiresAtMs,
      subject,
      boundKeyThumbprint,
      prepared: [],
    });
    const scheme = boundKeyThumbprint === undefined ? 'Bearer' : 'DPoP';
    // `iat` in the future is no token of an issuer whose clock we share; whole seconds, as jose counts.
    const notBeforeMs = Math.ceil(Math.max(nbf, iat)) * 1000;
    return { verification: Object.freeze({ ok: true, token }), policy, key, keySet, scheme, notBeforeMs };
  };

  const conclude = (token: string, candidate: Candidate, keySet: KeySet, key: VerificationKey): Verification => {
    const judged = judge(candidate, keySet, key);
    if (typeof judged === 'string') return refused(judged);
    const reason = judgeNow(judged, candidate.scheme, nowMs());
    if (reason) return refused(reason);
    counts.verified += 1;
    if (cacheBytes > 0) cache.set(token, judged);
    return judged.verification;
  };

  const verifyAfterFetch = async (
    token: string,
    candidate: Candidate,
    fetched: Promise<void>,
  ): Promise<Verification> => {
    await fetched;
    const keySet = candidate.policy.keys.current(nowMs());
    const key = findSigner(candidate, keySet);
    if (typeof key === 'object') return conclude(token, candidate, keySet, key);
    if (keySet.keys.length === 0) return refused('keys_unavailable');
    return refused(key === 'wrong' ? 'signature' : 'key_unknown');
  };

  const verifyUnseen = (token: string, scheme: TokenType): Verification | Promise<Verification> => {
    const candidate = readCandidate(token, scheme);
    if (typeof candidate === 'string') return refused(candidate);
    const { keys } = candidate.policy;
    const now = nowMs();
    const keySet = keys.current(now);
    const key = findSigner(candidate, keySet);
    if (key === 'wrong') return refused('signature');
    if (key !== 'none') return conclude(token, candidate, keySet, key);
    const fetched = keys.refetch?.(now);
    if (fetched) return verifyAfterFetch(token, candidate, fetched);
    return refused(keySet.keys.length === 0 ? 'keys_unavailable' : 'key_unknown');
  };

  /** A hit counts only while the key that verified it is still held: emergency removal works on cached tokens too. */
  const holdsKey = (judged: Judged, now: number): boolean => {
    const keySet = judged.policy.keys.current(now);
    if (keySet === judged.keySet) return true;
    if (!keySet.keys.includes(judged.key)) return false;
    judged.keySet = keySet;
    return true;
  };

  const verifySeen = (token: string, judged: Judged, scheme: TokenType): Verification | undefined => {
    const now = nowMs();
    if (!holdsKey(judged, now)) {
      cache.delete(token);
      return undefined;
    }
    const reason = judgeNow(judged, scheme, now);
    if (!reason) {
      counts.hits += 1;
      return judged.verification;
    }
    if (reason === 'expired') cache.delete(token);
    return refused(reason);
  };

  const seen = (token: string, scheme: TokenType = 'Bearer'): Verification | undefined => {
    const judged = cacheBytes > 0 && typeof token === 'string' ? cache.get(token) : undefined;
    return judged && verifySeen(token, judged, scheme);
  };

  const verify = (token: string, scheme: TokenType = 'Bearer'): Verification | Promise<Verification> =>
    seen(token, scheme) ?? verifyUnseen(token, scheme);

  return Object.freeze({ verify, seen, stats: () => Object.freeze({ ...counts, ...cache.stats() }) });
};

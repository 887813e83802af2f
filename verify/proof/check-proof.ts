import { createHash } from 'node:crypto';
import { defaultLeewaySeconds, defaultProofAgeSeconds, maxProofLength } from '@sallyport/contract';
import { isNumericDate } from '../access/claims.ts';
import { type CompactFailure, type CompactJws, compactParser } from '../jws/parse-compact.ts';
import { verifySignature } from '../jws/signature.ts';
import { checkOptions } from '../options.ts';
import { checkProofHeader, type ProofHeader, type ProofHeaderRefusal } from './proof-header.ts';
import { isSameUri } from './request-uri.ts';

/** What a proof has to be about. */
export interface ProvedRequest {
  readonly method: string;
  /** As the client sees it; by `requestUri`. */
  readonly uri: string;
  /** The key that has to be shown: `cnf.jkt` of the token. Undefined: whichever the client has. */
  readonly thumbprint?: string | undefined;
  /** Presented with it; RFC 9449 §7.1: the proof then holds its hash. */
  readonly accessToken?: string | undefined;
}

/** Why a proof was refused, for metrics and log. A closed list; never holds text of the proof. */
export type ProofReason =
  | CompactFailure
  | ProofHeaderRefusal
  | 'key_other'
  | 'claim_malformed'
  | 'method'
  | 'uri'
  | 'token_other'
  | 'too_old'
  | 'not_yet'
  | 'signature';

/** A proof that is right, and may have been used before: whoever asks remembers `id` until `endsAtMs`. */
export interface CheckedProof {
  readonly ok: true;
  readonly thumbprint: string;
  /** The proof's own name under its key: RFC 9449 §11.1, 32 bytes of hash as base64url. */
  readonly id: string;
  /** As the client's clock has it. */
  readonly madeAtMs: number;
  /** From then on it is refused for its age, by the same clock that judged it now. */
  readonly endsAtMs: number;
}

export type ProofVerdict = CheckedProof | { readonly ok: false; readonly reason: ProofReason };

export interface ProofCheckerOptions {
  /** Default the system clock. */
  readonly clock?: { nowMs(): number };
  /** How far clocks may be apart. Default 30. */
  readonly leewaySeconds?: number;
  /** How old a proof may be beside that. Default 60. */
  readonly maxAgeSeconds?: number;
}

/** @param proof the value of the one `DPoP` header. Never throws because of it. */
export type CheckProof = (proof: string, request: ProvedRequest) => ProofVerdict;

/** RFC 9449 §4.2 asks for 96 bits at least, and for nothing that ends it. */
const jtiForm = /^[\x21-\x7e]{8,128}$/;
const longestUri = 2048;

/**
 * Checks proofs of possession (RFC 9449 §4.3) in the order of what it costs: form, type, algorithm and key first, then what the proof is
 * about, its signature last. With `thumbprint` nobody but the holder of that key makes us check a signature that turns out to be right.
 * Whether the proof was used before is not asked here.
 */
export const createProofChecker = (given: ProofCheckerOptions = {}): CheckProof => {
  const options = checkOptions('createProofChecker', given, [], { clock: 0, leewaySeconds: 0, maxAgeSeconds: 0 });
  const { clock, leewaySeconds = defaultLeewaySeconds, maxAgeSeconds = defaultProofAgeSeconds } = options;
  const parse = compactParser<ProofHeader, ProofHeaderRefusal>(checkProofHeader, maxProofLength);
  const lifeMs = (maxAgeSeconds + leewaySeconds) * 1000;
  const leewayMs = leewaySeconds * 1000;

  const judge = (
    { header, payload }: CompactJws<ProofHeader>,
    request: ProvedRequest,
    nowMs: number,
  ): ProofReason | undefined => {
    if (request.thumbprint !== undefined && header.thumbprint !== request.thumbprint) return 'key_other';
    const { jti, htm, htu, iat, ath } = payload;
    if (typeof jti !== 'string' || !jtiForm.test(jti) || !isNumericDate(iat)) return 'claim_malformed';
    if (typeof htu !== 'string' || htu.length > longestUri) return 'claim_malformed';
    // RFC 9110 §9.1: the method is case-sensitive.
    if (htm !== request.method) return 'method';
    if (nowMs >= madeAt(iat) + lifeMs) return 'too_old';
    if (nowMs + leewayMs < madeAt(iat)) return 'not_yet';
    if (!isSameUri(htu, request.uri)) return 'uri';
    if (request.accessToken !== undefined && ath !== tokenHash(request.accessToken)) return 'token_other';
    return undefined;
  };

  return (proof, request) => {
    const jws = parse(proof);
    if (typeof jws === 'string') return { ok: false, reason: jws };
    const reason = judge(jws, request, clock?.nowMs() ?? Date.now());
    if (reason !== undefined) return { ok: false, reason };
    const { header, payload, signingInput, signature } = jws;
    const key = header.key();
    if (key === undefined) return { ok: false, reason: 'key_malformed' };
    if (!verifySignature('ES256', key, signingInput, signature)) return { ok: false, reason: 'signature' };
    const madeAtMs = madeAt(Number(payload['iat']));
    const { thumbprint } = header;
    const id = createHash('sha256')
      .update(`${thumbprint}.${String(payload['jti'])}`)
      .digest('base64url');
    return { ok: true, thumbprint, id, madeAtMs, endsAtMs: madeAtMs + lifeMs };
  };
};

/** Whole seconds, so that proofs end together: who remembers them looks for what has ended once a second. */
const madeAt = (iat: number): number => Math.floor(iat) * 1000;

/** RFC 9449 §4.2: base64url of the SHA-256 of the token's ASCII. */
const tokenHash = (accessToken: string): string =>
  createHash('sha256').update(accessToken, 'ascii').digest('base64url');

/** Where a service verifies access tokens itself: one that is bound to a key passes with a proof of that key alone (RFC 9449 §7). */
import type { ErrorCode } from '@sallyport/contract';
import type { VerifiedToken } from '../access/refusal.ts';
import { checkOptions } from '../options.ts';
import { createProofChecker, type ProofCheckerOptions } from '../proof/check-proof.ts';
import { bornAtMs, createProofMemory } from '../proof/proof-memory.ts';
import { publicUrlOf, requestUri } from '../proof/request-uri.ts';
import type { GuardRequest } from './guard.ts';

export interface BoundTokensOptions extends ProofCheckerOptions {
  /**
   * Proofs that are remembered at most, an eighth of them of one key; beyond, 503 until the oldest are too old to be used again. Default 131,072.
   */
  readonly maxProofs?: number;
}

export type ProofRefusal = { readonly code: ErrorCode; readonly reason: string };

/** Undefined: the request shows the key that the token is bound to. */
export type DemandProof = (request: GuardRequest, token: string, verified: VerifiedToken) => ProofRefusal | undefined;

const defaultMaxProofs = 131_072;

const uses = {
  first: undefined,
  replayed: { code: 'proof_replayed', reason: 'proof_replayed' },
  full: { code: 'busy', reason: 'proofs_full' },
} as const satisfies Record<string, ProofRefusal | undefined>;

/** @throws TypeError for a public URL of another form, or a misspelt option */
export const createProofDemand = (publicUrl: string, given: BoundTokensOptions = {}): DemandProof => {
  const names = { clock: 0, leewaySeconds: 0, maxAgeSeconds: 0, maxProofs: 0 };
  const { maxProofs = defaultMaxProofs, ...options } = checkOptions('proofs', given, [], names);
  const base = publicUrlOf(publicUrl);
  const nowMs = options.clock ? () => options.clock?.nowMs() ?? 0 : Date.now;
  const check = createProofChecker(options);
  const memory = createProofMemory(bornAtMs(nowMs()), maxProofs);
  return ({ method, target, values }, accessToken, { boundKeyThumbprint: thumbprint }) => {
    const [proof, ...more] = values('dpop');
    if (proof === undefined) return { code: 'proof_required', reason: 'proof_missing' };
    // RFC 9449 §4.3: "There is not more than one DPoP HTTP request header field."
    if (more.length > 0) return { code: 'proof_invalid', reason: 'ambiguous' };
    const checked = check(proof, { method, uri: requestUri(base, target), thumbprint, accessToken });
    return checked.ok ? uses[memory.use(checked, nowMs())] : { code: 'proof_invalid', reason: checked.reason };
  };
};

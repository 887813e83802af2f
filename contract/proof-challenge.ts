import { proofAlgorithm } from './claims.ts';
import type { ErrorCode } from './errors.ts';

const errors: Readonly<Partial<Record<ErrorCode, string>>> = {
  proof_required: 'invalid_token',
  proof_invalid: 'invalid_dpop_proof',
  proof_replayed: 'invalid_dpop_proof',
};

/** RFC 9449 §7.1: the challenge of a 401 that asks for a proof, or for another one. Undefined: the code is about something else. */
export const proofChallenge = (code: ErrorCode): string | undefined => {
  const error = errors[code];
  return error && `DPoP realm="sallyport", error="${error}", algs="${proofAlgorithm}"`;
};

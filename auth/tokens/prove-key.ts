/**
 * Proof that whoever asks holds a key (RFC 9449): what a `DPoP` header says is checked, and spent once on all nodes and over restarts, in the
 * store that forgets none. It knows no token and no session: whose key it has to be, the caller says.
 */
import { defaultRealm, type EpochMs } from '@sallyport/contract';
import type { Nonces } from '@sallyport/storage/contracts/nonces';
import { type CheckedProof, type CheckProof, type ProofReason, requestUri } from '@sallyport/verify';

/** A `DPoP` header and the request that it came with. */
export interface PresentedProof {
  readonly proof: string;
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
}

/** Whose key, and with which access token. */
export interface KeyToProve {
  /** RFC 7638 thumbprint; undefined: whichever the client has. */
  readonly thumbprint?: string;
  readonly accessToken?: string;
}

export type KeyVerdict =
  | { readonly proved: true; readonly thumbprint: string }
  | {
      readonly proved: false;
      readonly code: 'proof_invalid' | 'proof_replayed';
      readonly reason: ProofReason | 'replayed';
    };

export interface KeyProver {
  /** Checks and spends nothing: for what has to be known before somebody has shown who he is. */
  check(presented: PresentedProof, key?: KeyToProve): ReturnType<CheckProof>;
  /** False: it was used before. */
  spend(proof: CheckedProof): Promise<boolean>;
  /** Both. Of N callers with one proof one has proved it. */
  prove(presented: PresentedProof, key?: KeyToProve): Promise<KeyVerdict>;
}

export interface KeyProverOptions {
  /** Where clients find this server. */
  readonly publicUrl: string;
  readonly check: CheckProof;
  /** Of a store that forgets none (`lastingNonces`). */
  readonly nonces: Nonces;
}

/** Clocks of the nodes may be apart: a spent proof is kept longer than any of them would take it. */
const slackMs = 60_000;
const purpose = 'dpop';

export const createKeyProver = ({ publicUrl, check: checkProof, nonces }: KeyProverOptions): KeyProver => {
  const check: KeyProver['check'] = ({ proof, method, target }, key) =>
    checkProof(proof, { method, uri: requestUri(publicUrl, target), ...key });
  const spend: KeyProver['spend'] = ({ id, madeAtMs, endsAtMs }) =>
    nonces.consumeNonce({
      realmId: defaultRealm,
      purpose,
      nonce: id,
      madeAtMs: madeAtMs as EpochMs,
      expiresAtMs: (endsAtMs + slackMs) as EpochMs,
    });
  return {
    check,
    spend,
    prove: async (presented, key) => {
      const checked = check(presented, key);
      if (!checked.ok) return { proved: false, code: 'proof_invalid', reason: checked.reason };
      if (!(await spend(checked))) return { proved: false, code: 'proof_replayed', reason: 'replayed' };
      return { proved: true, thumbprint: checked.thumbprint };
    },
  };
};

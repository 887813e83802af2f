/**
 * The judgement on a genuine refresh token (refresh.md): pure, a table of what is to be done. Every comparison with the clock
 * uses the store's time. Who carries a verdict out does so with a conditional verb, so that a verdict that was overtaken changes
 * nothing and is judged again.
 */

/** What is presented, already checked against M1 and M2. */
export interface PresentedToken {
  readonly generation: number;
  /** False: the row's hash of its current token is another. Undefined: the hash's key is not held, so it is not compared. */
  readonly matchesStoredHash: boolean | undefined;
  /** Whether the caller showed the key that the session is bound to. `refused`: he sent a proof that does not show it. */
  readonly holderKey: 'proved' | 'not_shown' | 'refused';
  /** The attempt id is one that the row keeps for the rotation that led to its generation. */
  readonly attemptKnown: boolean;
}

/** What the row says. */
export interface SessionFacts {
  readonly generation: number;
  readonly rotatedAtMs: number;
  readonly idleExpiresAtMs: number;
  readonly absoluteExpiresAtMs: number;
  readonly revokedCause: string | undefined;
  readonly proofRequired: boolean;
}

export interface RotationPolicy {
  readonly rotation: boolean;
  /** 0 allowed: then every late predecessor is reuse at once. */
  readonly overlapMs: number;
  readonly ahead: 'adopt' | 'refuse';
}

export type Verdict =
  | { readonly kind: 'rotate'; readonly newGeneration: number; readonly ahead: boolean }
  /** The same token goes on: rotation is off, or this attempt has led to it. */
  | { readonly kind: 'keep' }
  /** A predecessor of the same holder: it gets the same successor as the winner. */
  | { readonly kind: 'successor'; readonly insideOverlap: boolean }
  | { readonly kind: 'reuse' }
  | {
      readonly kind: 'refuse';
      readonly code:
        | 'refresh_invalid'
        | 'refresh_expired'
        | 'refresh_reused'
        | 'session_revoked'
        | 'session_lost'
        | 'proof_required'
        | 'user_unknown';
    };

const refuse = (code: Extract<Verdict, { kind: 'refuse' }>['code']): Verdict => ({ kind: 'refuse', code });

export const judge = (
  presented: PresentedToken,
  session: SessionFacts,
  policy: RotationPolicy,
  storeNowMs: number,
): Verdict => {
  if (session.revokedCause !== undefined) return refuseEnded(session.revokedCause);
  if (storeNowMs >= Math.min(session.idleExpiresAtMs, session.absoluteExpiresAtMs)) return refuse('refresh_expired');
  // Also where none is demanded: whoever has the key and fails to show it, for the sake of his clock, must not be taken for a thief.
  if (presented.holderKey === 'refused') return refuse('proof_required');
  if (session.proofRequired && presented.holderKey !== 'proved') return refuse('proof_required');
  const behind = session.generation - presented.generation;
  if (behind === 0) return judgeCurrent(presented, session, policy, storeNowMs);
  if (behind === 1) return judgePredecessor(presented, session, policy, storeNowMs);
  if (behind > 1) return { kind: 'reuse' };
  return judgeAhead(behind, presented, policy);
};

/**
 * A deletion ends the account first and then marks its sessions: whichever of the two a refresh meets, the answer is one.
 */
const refuseEnded = (cause: string): Verdict => {
  if (cause === 'deleted') return refuse('user_unknown');
  return refuse(cause === 'reused' ? 'refresh_reused' : 'session_revoked');
};

const judgeCurrent = (
  presented: PresentedToken,
  session: SessionFacts,
  policy: RotationPolicy,
  storeNowMs: number,
): Verdict => {
  // Right MACs, yet not the token that the row was given: the store has gone back and forth. Not reuse, and not valid.
  if (presented.matchesStoredHash === false) return refuse('refresh_invalid');
  // The attempt that led here has its answer: asked again, it is the same one (ADR 0036).
  const answered = presented.attemptKnown && storeNowMs < session.rotatedAtMs + policy.overlapMs;
  if (!policy.rotation || answered) return { kind: 'keep' };
  return { kind: 'rotate', newGeneration: presented.generation + 1, ahead: false };
};

const judgePredecessor = (
  presented: PresentedToken,
  session: SessionFacts,
  policy: RotationPolicy,
  storeNowMs: number,
): Verdict => {
  const insideOverlap = storeNowMs < session.rotatedAtMs + policy.overlapMs;
  const sameHolder = presented.holderKey === 'proved' || presented.attemptKnown;
  return insideOverlap || sameHolder ? { kind: 'successor', insideOverlap } : { kind: 'reuse' };
};

/** A generation ahead of the row with right MACs is never reuse: the store lost a write. */
const judgeAhead = (behind: number, presented: PresentedToken, policy: RotationPolicy): Verdict =>
  behind === -1 && policy.ahead === 'adopt'
    ? { kind: 'rotate', newGeneration: presented.generation + 1, ahead: true }
    : refuse('session_lost');

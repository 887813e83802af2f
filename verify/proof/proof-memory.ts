import type { CheckedProof } from './check-proof.ts';

/**
 * `replayed`: used before, or made before this memory began, which cannot know. `full`: every place holds a proof that could still be
 * replayed, so the new one must not pass.
 */
export type ProofUse = 'first' | 'replayed' | 'full';

/** Where it is remembered that a proof was used. Of N callers with one proof one hears `first`. */
export interface ProofMemory {
  use(proof: CheckedProof, nowMs: number): ProofUse;
}

/** Whole seconds: proofs tell no finer time. */
export const bornAtMs = (nowMs: number): number => Math.floor(nowMs / 1000) * 1000;

/** In the memory of one process, bounded. What was used before a restart is refused for having been made before it. */
export const createProofMemory = (bornMs: number, maxEntries: number): ProofMemory => {
  const endsAtMs = new Map<string, number>();
  /** Before this no entry ends: a look at all of them is spared. */
  let nextEndMs = Number.POSITIVE_INFINITY;

  const forgetEnded = (nowMs: number): void => {
    nextEndMs = Number.POSITIVE_INFINITY;
    for (const [id, endMs] of endsAtMs) {
      if (endMs <= nowMs) endsAtMs.delete(id);
      else nextEndMs = Math.min(nextEndMs, endMs);
    }
  };

  return {
    use(proof, nowMs) {
      if (proof.madeAtMs < bornMs) return 'replayed';
      if (endsAtMs.size >= maxEntries && nowMs >= nextEndMs) forgetEnded(nowMs);
      if (endsAtMs.has(proof.id)) return 'replayed';
      if (endsAtMs.size >= maxEntries) return 'full';
      endsAtMs.set(proof.id, proof.endsAtMs);
      nextEndMs = Math.min(nextEndMs, proof.endsAtMs);
      return 'first';
    },
  };
};

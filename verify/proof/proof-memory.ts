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

/** Of all places at most one in so many for one key: who has one of his own cannot lock out the others by himself. */
const keysWithRoom = 8;

/** In the memory of one process, bounded. What was used before a restart is refused for having been made before it. */
export const createProofMemory = (bornMs: number, maxEntries: number): ProofMemory => {
  const used = new Map<string, { readonly endMs: number; readonly thumbprint: string }>();
  const countOf = new Map<string, number>();
  const maxOfKey = Math.ceil(maxEntries / keysWithRoom);
  /** Before this none ends. Proofs end at whole seconds, so that all of them are looked at once a second at most. */
  let nextEndMs = Number.POSITIVE_INFINITY;

  const forgetEnded = (nowMs: number): void => {
    nextEndMs = Number.POSITIVE_INFINITY;
    for (const [id, { endMs, thumbprint }] of used) {
      if (endMs > nowMs) {
        nextEndMs = Math.min(nextEndMs, endMs);
        continue;
      }
      used.delete(id);
      const left = (countOf.get(thumbprint) ?? 1) - 1;
      if (left === 0) countOf.delete(thumbprint);
      else countOf.set(thumbprint, left);
    }
  };

  return {
    use({ id, thumbprint, madeAtMs, endsAtMs: endMs }, nowMs) {
      if (madeAtMs < bornMs) return 'replayed';
      if (nowMs >= nextEndMs) forgetEnded(nowMs);
      if (used.has(id)) return 'replayed';
      const count = countOf.get(thumbprint) ?? 0;
      if (used.size >= maxEntries || count >= maxOfKey) return 'full';
      used.set(id, { endMs, thumbprint });
      countOf.set(thumbprint, count + 1);
      nextEndMs = Math.min(nextEndMs, endMs);
      return 'first';
    },
  };
};

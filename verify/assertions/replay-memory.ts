export interface ReplayMemory {
  /** `full`: every place holds an assertion that could still be replayed, so the new one must not pass. */
  remember(jti: string, nowMs: number): 'new' | 'seen' | 'full';
  readonly size: number;
}

/** Remembers ids for a fixed time in bounded memory. Entries end in the order in which they came. */
export const createReplayMemory = (ttlMs: number, maxEntries: number): ReplayMemory => {
  const endsAtMs = new Map<string, number>();

  const forgetEnded = (nowMs: number): void => {
    for (const [jti, endMs] of endsAtMs) {
      if (endMs > nowMs) return;
      endsAtMs.delete(jti);
    }
  };

  return {
    remember(jti, nowMs) {
      forgetEnded(nowMs);
      if (endsAtMs.has(jti)) return 'seen';
      if (endsAtMs.size >= maxEntries) return 'full';
      endsAtMs.set(jti, nowMs + ttlMs);
      return 'new';
    },
    get size() {
      return endsAtMs.size;
    },
  };
};

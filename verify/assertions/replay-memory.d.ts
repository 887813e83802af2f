export interface ReplayMemory {
    /** `full`: every place holds an assertion that could still be replayed, so the new one must not pass. */
    remember(jti: string, nowMs: number): 'new' | 'seen' | 'full';
    readonly size: number;
}
/** Remembers ids for a fixed time in bounded memory. Entries end in the order in which they came. */
export declare const createReplayMemory: (ttlMs: number, maxEntries: number) => ReplayMemory;

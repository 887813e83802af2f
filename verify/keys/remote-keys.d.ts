import type { RemoteKeySource, VerificationKey } from './key-source.ts';
export interface RemoteKeysOptions {
    /** `http:` or `https:`. From the settings, never from a token. */
    readonly url: string;
    readonly fetch?: typeof globalThis.fetch;
    readonly clock?: {
        nowMs(): number;
    };
    /** Fetches for an unknown `kid` happen at most once in this time. Default 30. */
    readonly cooldownSeconds?: number;
    /** In use, the set is fetched again in the background after this time, so that a removed key goes. Default 300. */
    readonly refreshSeconds?: number;
    /** When no fetch has succeeded for this long, the keys are dropped and tokens are refused. Default 10,800 (3 h). */
    readonly staleSeconds?: number;
    /** For one fetch, answer included. Default 5,000. */
    readonly timeoutMs?: number;
    /** Larger answers are refused. Default 65,536. */
    readonly maxBytes?: number;
    /** Further attempts of `load`, 250 ms apart and doubling. Default 3. */
    readonly retries?: number;
}
export interface RemoteFormat {
    readonly contentTypes: readonly string[];
    parse(text: string): readonly VerificationKey[];
}
/** Keys behind a URL: single flight, cooldown, background refresh, stale bound. A failed fetch never changes the keys. */
export declare const remoteKeys: (name: string, given: RemoteKeysOptions, format: RemoteFormat) => RemoteKeySource;

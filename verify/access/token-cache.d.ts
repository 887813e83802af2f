/**
 * The verified-token cache's memory: S3-FIFO. A new token enters a small probation queue; only one that is asked for again
 * reaches the main queue (CLOCK with a counter). A flood of valid one-time tokens thus displaces other newcomers, never
 * the tokens in use. It knows nothing of validity: whoever asks judges each hit again.
 */
export interface TokenCache<Value> {
    get(token: string): Value | undefined;
    set(token: string, value: Value): void;
    delete(token: string): void;
    stats(): {
        readonly entries: number;
        readonly bytes: number;
        readonly evictions: number;
    };
}
/** @param maxBytes estimated memory, entries and their overhead together */
export declare const createTokenCache: <Value>(maxBytes: number) => TokenCache<Value>;

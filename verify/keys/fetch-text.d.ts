interface FetchText {
    readonly url: string;
    readonly contentTypes: readonly string[];
    readonly maxBytes: number;
    readonly timeoutMs: number;
    readonly fetch: typeof globalThis.fetch;
}
/** GET of a small text: status 200, one of the content types, bounded size and time, no redirect. */
export declare const fetchText: ({ url, contentTypes, maxBytes, timeoutMs, fetch }: FetchText) => Promise<string>;
export {};

type Json = Readonly<Record<string, unknown>>;
export interface CompactJws<Header> {
    readonly header: Header;
    readonly payload: Json;
    /** Every string of the payload is printable ASCII. */
    readonly plain: boolean;
    /** RFC 7515 §5.2 step 8: ASCII(BASE64URL(header) || '.' || BASE64URL(payload)). */
    readonly signingInput: Buffer;
    readonly signature: Buffer;
}
export type CompactFailure = 'oversize' | 'malformed' | 'encoding' | 'header_json' | 'payload_json';
/**
 * A parser of compact JWS (RFC 7515 §3.1): exactly three canonical parts, two JSON objects. Headers repeat from token to
 * token, so the judgement of a header that passed is kept under its text.
 * @param checkHeader judges a decoded header; text is the reason of a refusal
 */
export declare const compactParser: <Header extends object, Reason extends string>(checkHeader: (header: Json) => Header | Reason, maxBytes: number) => ((token: unknown) => CompactJws<Header> | Reason | CompactFailure);
export {};

export type BearerParse = {
    readonly ok: true;
    readonly token: string;
} | {
    readonly ok: false;
    readonly code: 'token_missing' | 'authorization_malformed';
};
/**
 * Reads the access token of a request from its `Authorization` header.
 * @param values every line of the header; several are malformed, none and empty are missing
 */
export declare const parseBearer: (values: readonly string[]) => BearerParse;

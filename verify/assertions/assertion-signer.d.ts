import { type AssertionClaims } from '@sallyport/contract';
export interface AssertionSigner {
    readonly kid: string;
    /** Compact JWS of the claims. The caller has filled them; one HMAC, nothing else. */
    sign(claims: AssertionClaims): string;
}
/**
 * Signs assertions for one service (HS256, `typ: gw-assertion+jwt`).
 * @param options `kid` of the gateway's master key, `key` = `assertionKey(master, service)`, 32 bytes
 */
export declare const createAssertionSigner: ({ kid, key }: {
    kid: string;
    key: Uint8Array;
}) => AssertionSigner;

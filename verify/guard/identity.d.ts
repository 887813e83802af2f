import type { AccessTokenClaims, AssertionClaims } from '@sallyport/contract';
/** Who calls: verified, immutable, the same shape behind a gateway and with a bearer token. */
export interface Identity {
    readonly kind: 'user';
    readonly userId: string;
    readonly email: string | undefined;
    readonly name: string | undefined;
    readonly roles: readonly string[];
    readonly permissions: readonly string[];
    readonly sessionId: string | undefined;
    readonly deviceId: string | undefined;
    /** RFC 8176 authentication methods. */
    readonly amr: readonly string[];
    /** Seconds since the epoch. */
    readonly authTime: number | undefined;
    readonly accessEpoch: number | undefined;
    /** As the gateway judged it; undefined where a service reads bearer tokens itself. */
    readonly clientAddress: string | undefined;
    /** The gateway's id; undefined where a service reads bearer tokens itself. */
    readonly gateway: string | undefined;
    readonly claims: AssertionClaims | AccessTokenClaims;
}
/** The gateway vouches for the request, and nobody has logged in: public routes. */
export interface Anonymous {
    readonly kind: 'anonymous';
    readonly clientAddress: string;
    readonly gateway: string;
    readonly claims: AssertionClaims;
}
/** Identity of checked assertion claims. */
export declare const identityOfAssertion: (claims: AssertionClaims) => Identity | Anonymous;
/** Identity of verified access-token claims. */
export declare const identityOfToken: (claims: AccessTokenClaims) => Identity;

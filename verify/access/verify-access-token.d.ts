import { type AccessTokenVerifierOptions } from './policy.ts';
import { type Verification } from './refusal.ts';
/**
 * Access tokens are judged here and nowhere else: parse, header, issuer, key, signature, claims, time, revocation, in
 * this order. A verifier never fetches what a token names, never throws because of a token, and never says in a reason
 * what stood in one. Successes alone are cached; each hit is asked again for time, key and revocation.
 */
export interface AccessTokenVerifier {
    /** Synchronous unless a key has to be fetched first. Never throws or rejects because of the token. */
    verify(token: string): Verification | Promise<Verification>;
    stats(): {
        readonly hits: number;
        readonly verified: number;
        readonly refused: number;
        readonly entries: number;
        readonly bytes: number;
        readonly evictions: number;
    };
}
/**
 * Verifies access tokens (RFC 9068) of the trusted issuers.
 * @throws TypeError for a misspelt or missing option, an issuer without algorithms, or one without audience
 */
export declare const createAccessTokenVerifier: (options: AccessTokenVerifierOptions) => AccessTokenVerifier;

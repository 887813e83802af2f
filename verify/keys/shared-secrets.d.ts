import type { KeySource } from './key-source.ts';
export interface SharedSecret {
    /** Default `hmacKeyId(secret)`, which is what Sallyport's issuer writes. */
    readonly kid?: string;
    /** Text (taken as UTF-8) or bytes; at least 32 bytes. */
    readonly secret: string | Uint8Array;
}
/**
 * HS256 secrets, the current and, while rotating, the previous one.
 * @throws TypeError for an empty list, a secret under 32 bytes, or two secrets with one `kid`
 */
export declare const sharedSecrets: (secrets: readonly SharedSecret[]) => KeySource;

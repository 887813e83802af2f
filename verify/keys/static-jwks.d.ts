import type { KeySource, VerificationKey } from './key-source.ts';
/**
 * Reads a JWK Set (RFC 7517 §5). Keys for other uses or of unknown types are left out; a private or symmetric key, a weak
 * key or a `kid` used twice refuses the whole set, because an issuer that publishes one is not to be trusted to know better.
 */
export declare const parseJwks: (json: unknown) => readonly VerificationKey[];
/**
 * Keys of a fixed JWK Set, as object or JSON text. Keys without `kid` get their RFC 7638 thumbprint.
 * @throws TypeError for private, symmetric, weak or duplicate keys, and when no usable key is left
 */
export declare const staticJwks: (json: unknown) => KeySource;

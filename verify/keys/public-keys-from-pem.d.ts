import type { KeySource, VerificationKey } from './key-source.ts';
/** Reads every block of a PEM text. */
export declare const parsePublicPem: (pem: string) => readonly VerificationKey[];
/**
 * Public keys from SPKI PEM: one text with any number of blocks, or several texts. RSA (2048 to 8192 bits), EC P-256,
 * Ed25519. `kid` = RFC 7638 thumbprint.
 * @throws TypeError for private keys, other blocks, weak keys, or one key given twice
 */
export declare const publicKeysFromPem: (pem: string | readonly string[]) => KeySource;

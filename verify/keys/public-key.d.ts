import type { KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';
import type { VerificationKey } from './key-source.ts';
/**
 * Binds a public key to the algorithms of its type, or to the one it was published for.
 * @throws TypeError for a weak key, an unknown type, or an `alg` of another type
 */
export declare const publicKey: (key: KeyObject, options?: {
    kid?: string;
    alg?: SignatureAlgorithm;
}) => VerificationKey;

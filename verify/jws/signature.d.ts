import { type KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';
/**
 * Checks one JWS signature (RFC 7518 §3, RFC 8037 §3.1). The caller has bound `key` to `alg` already; a key that does not
 * fit the algorithm is a bug of ours and may throw.
 */
export declare const verifySignature: (alg: SignatureAlgorithm, key: KeyObject, input: Buffer, signature: Buffer) => boolean;

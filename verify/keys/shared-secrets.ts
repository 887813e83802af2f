import { createSecretKey } from 'node:crypto';
import { fixedKeys } from './fixed-keys.ts';
import { hmacKeyId } from './hmac-key-id.ts';
import type { KeySource, VerificationKey } from './key-source.ts';

export interface SharedSecret {
  /** Default `hmacKeyId(secret)`, which is what Sallyport's issuer writes. */
  readonly kid?: string;
  /** Text (taken as UTF-8) or bytes; at least 32 bytes. */
  readonly secret: string | Uint8Array;
}

/** RFC 7518 §3.2: "A key of the same size as the hash output (for instance, 256 bits for HS256) or larger MUST be used." */
const minimumSecretBytes = 32;

const toKey = ({ kid, secret }: SharedSecret): VerificationKey => {
  const bytes = Buffer.from(typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret);
  if (bytes.length < minimumSecretBytes)
    throw new TypeError(`A shared secret has fewer than ${minimumSecretBytes} bytes`);
  const id = hmacKeyId(bytes);
  return Object.freeze({ kid: kid ?? id, algorithms: ['HS256'] as const, key: createSecretKey(bytes), thumbprint: id });
};

/**
 * HS256 secrets, the current and, while rotating, the previous one.
 * @throws TypeError for an empty list, a secret under 32 bytes, or two secrets with one `kid`
 */
export const sharedSecrets = (secrets: readonly SharedSecret[]): KeySource => fixedKeys(secrets.map(toKey));

/** Private keys that sign access tokens, and everything that verifiers are told of them. */
import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';
import { jwkThumbprint, publicKeysFromPem, type VerificationKey } from '@sallyport/verify';
import type { AsymmetricAlgorithm } from './private-key.ts';
import { createSigningKey, type SigningKey } from './signing-key.ts';

/** RFC 7517 §4, public members only. */
export interface PublicJwk extends webcrypto.JsonWebKey {
  readonly kid: string;
  readonly alg: SignatureAlgorithm;
  readonly use: 'sig';
}

/** One key, with all that follows from it made once. */
export interface RingKey {
  readonly signing: SigningKey;
  /** One object for as long as the key is held: cached tokens ask by identity. */
  readonly verification: VerificationKey;
  readonly jwk: PublicJwk;
  /** SPKI. */
  readonly pem: string;
}

export const publicJwk = (key: KeyObject, algorithm: AsymmetricAlgorithm): PublicJwk => {
  const publicKey = createPublicKey(key);
  return { ...publicKey.export({ format: 'jwk' }), kid: jwkThumbprint(publicKey), alg: algorithm, use: 'sig' };
};

export const ringKey = (key: KeyObject, algorithm: AsymmetricAlgorithm): RingKey => {
  const jwk = publicJwk(key, algorithm);
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  const [verification] = publicKeysFromPem([pem]).current(0).keys;
  if (verification === undefined) throw new Error('a public key in PEM holds a key');
  return { signing: createSigningKey(jwk.kid, algorithm, key), verification, jwk, pem };
};

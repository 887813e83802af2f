/** Private keys that sign access tokens, and everything that verifiers are told of them. */
import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';
import { jwkThumbprint, type KeySource, publicKeysFromPem, type VerificationKey } from '@sallyport/verify';
import { type AsymmetricAlgorithm, assertFits, SigningKeyError } from './private-key.ts';
import { createSigningKey, type SigningKey } from './signing-key.ts';

/** RFC 7517 §4, public members only. */
export interface PublicJwk extends webcrypto.JsonWebKey {
  readonly kid: string;
  readonly alg: SignatureAlgorithm;
  readonly use: 'sig';
}

/** What it says may change from one moment to the next: ask at each use. */
export interface KeyRing {
  readonly current: SigningKey;
  /** What the issuer's own verifier trusts. */
  readonly verification: KeySource;
  /** What those keys may have signed with. */
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Current first, then the next one and retired ones. Empty with HS256: a shared secret has no public half. */
  readonly publicJwks: readonly PublicJwk[];
  /** SPKI PEM of all public keys, current first; undefined with HS256. */
  readonly publicPem: string | undefined;
  /** Looks after it no more. */
  stop(): Promise<void>;
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

/** @param key either half */
export const publicJwk = (key: KeyObject, algorithm: AsymmetricAlgorithm): PublicJwk => {
  const publicKey = publicHalf(key);
  return { ...publicKey.export({ format: 'jwk' }), kid: jwkThumbprint(publicKey), alg: algorithm, use: 'sig' };
};

export const ringKey = (key: KeyObject, algorithm: AsymmetricAlgorithm): RingKey => {
  const told = publicPart(createPublicKey(key), algorithm);
  return { ...told, signing: createSigningKey(told.jwk.kid, algorithm, key) };
};

/** A key of which only the public half is here. What signs with it is put in by whoever can. */
export const verifyingKey = (jwkText: string, algorithm: AsymmetricAlgorithm, origin: string): RingKey => {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: JSON.parse(jwkText) as webcrypto.JsonWebKey, format: 'jwk' });
  } catch {
    throw new SigningKeyError(origin, 'has no public half that can be read');
  }
  assertFits(key, algorithm, origin);
  const told = publicPart(key, algorithm);
  const { kid } = told.jwk;
  const signJws = async () => {
    throw new Error(`the private half of ${kid} is not here`);
  };
  return { ...told, signing: { kid, algorithm, signJws } };
};

const publicHalf = (key: KeyObject): KeyObject => (key.type === 'public' ? key : createPublicKey(key));

const publicPart = (publicKey: KeyObject, algorithm: AsymmetricAlgorithm): Omit<RingKey, 'signing'> => {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const [verification] = publicKeysFromPem([pem]).current(0).keys;
  if (verification === undefined) throw new Error('a public key in PEM holds a key');
  return { verification, jwk: publicJwk(publicKey, algorithm), pem };
};

import { createPublicKey } from 'node:crypto';
import { isSignatureAlgorithm } from '@sallyport/contract';
import { fixedKeys, maxKeys } from './fixed-keys.ts';
import type { KeySource, VerificationKey } from './key-source.ts';
import { publicKey } from './public-key.ts';

type Jwk = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Jwk => typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (jwk: Jwk, name: string): string | undefined => {
  const value = jwk[name];
  if (value !== undefined && typeof value !== 'string') throw new TypeError(`JWK member ${name} is not a string`);
  return value;
};

const supported: Readonly<Record<string, readonly string[]>> = { RSA: [''], EC: ['P-256'], OKP: ['Ed25519'] };

/** RFC 7517 §5: "Implementations SHOULD ignore JWKs within a JWK Set that use kty values that are not understood". */
const isForUs = (jwk: Jwk): boolean => {
  const alg = text(jwk, 'alg');
  const use = text(jwk, 'use');
  const operations = jwk['key_ops'];
  return (
    supported[text(jwk, 'kty') ?? '']?.includes(text(jwk, 'crv') ?? '') === true &&
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify'))) &&
    (alg === undefined || alg === 'Ed25519' || isSignatureAlgorithm(alg))
  );
};

const toKey = (jwk: Jwk): VerificationKey => {
  const kid = text(jwk, 'kid');
  const named = text(jwk, 'alg');
  // RFC 9864 §2.2 gives EdDSA with Ed25519 the name Ed25519 in keys; in tokens we keep the older name.
  const alg = named === 'Ed25519' ? 'EdDSA' : named;
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  return publicKey(key, { ...(kid !== undefined && { kid }), ...(isSignatureAlgorithm(alg) && { alg }) });
};

/**
 * Reads a JWK Set (RFC 7517 §5). Keys for other uses or of unknown types are left out; a private or symmetric key, a weak
 * key or a `kid` used twice refuses the whole set, because an issuer that publishes one is not to be trusted to know better.
 */
export const parseJwks = (json: unknown): readonly VerificationKey[] => {
  const keys = isObject(json) ? json['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isObject)) throw new TypeError('Not a JWK Set');
  if (keys.length > maxKeys) throw new TypeError(`More than ${maxKeys} keys in the JWK Set`);
  for (const jwk of keys) {
    if (jwk['kty'] === 'oct' || 'k' in jwk) throw new TypeError('The JWK Set publishes a symmetric key');
    if ('d' in jwk) throw new TypeError('The JWK Set publishes a private key');
  }
  return keys.filter(isForUs).map(toKey);
};

/**
 * Keys of a fixed JWK Set, as object or JSON text. Keys without `kid` get their RFC 7638 thumbprint.
 * @throws TypeError for private, symmetric, weak or duplicate keys, and when no usable key is left
 */
export const staticJwks = (json: unknown): KeySource =>
  fixedKeys(parseJwks(typeof json === 'string' ? (JSON.parse(json) as unknown) : json));

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { SignatureAlgorithm } from '@sallyport/contract';
import { SettingsError } from '@sallyport/kit/config';

export type AsymmetricAlgorithm = Exclude<SignatureAlgorithm, 'HS256'>;

/** Thrown at start, like any setting that cannot be used: names where the key came from, never the key. */
export class SigningKeyError extends SettingsError {
  constructor(origin: string, problem: string) {
    super([{ setting: origin, problem }]);
  }
}

const smallestRsaBits = 2048;

/** Reads a PEM (PKCS#1, PKCS#8 or SEC 1, unencrypted) and checks that it can sign with the algorithm. `origin` names where it came from. */
export const readPrivateKey = (pem: string, algorithm: AsymmetricAlgorithm, origin: string): KeyObject => {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The library's message may quote the input.
    throw new SigningKeyError(origin, 'is not an unencrypted private key in PEM (PKCS#1 or PKCS#8)');
  }
  assertFits(key, algorithm, origin);
  return key;
};

/** Fails where the PEM is not the public half of the key. */
export const assertPublicHalf = (key: KeyObject, publicPem: string, origin: string): void => {
  let given: KeyObject;
  try {
    given = createPublicKey(publicPem);
  } catch {
    throw new SigningKeyError(origin, 'is not a public key in PEM (SPKI)');
  }
  if (!createPublicKey(key).equals(given)) throw new SigningKeyError(origin, 'does not belong to the private key');
};

/** @param key either half */
export const assertFits = (key: KeyObject, algorithm: AsymmetricAlgorithm, origin: string): void => {
  const type = key.asymmetricKeyType;
  const details = key.asymmetricKeyDetails;
  if (algorithm === 'RS256' || algorithm === 'PS256') {
    if (type !== 'rsa') throw new SigningKeyError(origin, `is not an RSA key, which ${algorithm} needs`);
    if ((details?.modulusLength ?? 0) < smallestRsaBits) {
      throw new SigningKeyError(origin, `has fewer than ${smallestRsaBits} bits (RFC 7518 §3.3)`);
    }
  } else if (algorithm === 'ES256') {
    if (type !== 'ec' || details?.namedCurve !== 'prime256v1')
      throw new SigningKeyError(origin, 'is not a P-256 key, which ES256 needs');
  } else if (type !== 'ed25519') throw new SigningKeyError(origin, 'is not an Ed25519 key, which EdDSA needs');
};

const generate = promisify(generateKeyPair);

/** A fresh key for the ring, made in the thread pool: RSA (2048 bits) takes up to half a second. */
export const generatePrivateKey = async (algorithm: AsymmetricAlgorithm): Promise<KeyObject> => {
  switch (algorithm) {
    case 'RS256':
    case 'PS256':
      return (await generate('rsa', { modulusLength: smallestRsaBits })).privateKey;
    case 'ES256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
    case 'EdDSA':
      return (await generate('ed25519')).privateKey;
  }
};

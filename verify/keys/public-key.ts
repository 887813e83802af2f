import type { KeyObject } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';
import { jwkThumbprint } from './jwk-thumbprint.ts';
import type { VerificationKey } from './key-source.ts';

/** RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used"; the upper bound keeps one signature check cheap. */
const rsaBits = { minimum: 2048, maximum: 8192 } as const;
/** FIPS 186-5 §A.1.1 (b): 2^16 < e. An exponent of 1 would make every signature verify itself. */
const minimumExponent = 65_537n;

const rsaAlgorithms = ({ asymmetricKeyDetails: details }: KeyObject): readonly SignatureAlgorithm[] => {
  const bits = details?.modulusLength ?? 0;
  if (bits < rsaBits.minimum || bits > rsaBits.maximum) {
    throw new TypeError(`RSA keys have ${rsaBits.minimum} to ${rsaBits.maximum} bits`);
  }
  if ((details?.publicExponent ?? 0n) < minimumExponent) throw new TypeError('RSA public exponent is under 65537');
  return ['RS256', 'PS256'];
};

const ecAlgorithms = ({ asymmetricKeyDetails: details }: KeyObject): readonly SignatureAlgorithm[] => {
  if (details?.namedCurve !== 'prime256v1') throw new TypeError('EC keys are on P-256');
  return ['ES256'];
};

const algorithmsOf = (key: KeyObject): readonly SignatureAlgorithm[] => {
  if (key.type !== 'public') throw new TypeError('Only public keys verify');
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return rsaAlgorithms(key);
    case 'ec':
      return ecAlgorithms(key);
    case 'ed25519':
      return ['EdDSA'];
    default:
      throw new TypeError('Keys are RSA, EC P-256 or Ed25519');
  }
};

/**
 * Binds a public key to the algorithms of its type, or to the one it was published for.
 * @throws TypeError for a weak key, an unknown type, or an `alg` of another type
 */
export const publicKey = (
  key: KeyObject,
  options: { kid?: string; alg?: SignatureAlgorithm } = {},
): VerificationKey => {
  const fitting = algorithmsOf(key);
  if (options.alg !== undefined && !fitting.includes(options.alg)) throw new TypeError('alg does not fit the key type');
  const thumbprint = jwkThumbprint(key);
  const algorithms = Object.freeze(options.alg === undefined ? [...fitting] : [options.alg]);
  return Object.freeze({ kid: options.kid ?? thumbprint, algorithms, key, thumbprint });
};

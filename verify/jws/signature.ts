import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';

/**
 * Checks one JWS signature (RFC 7518 §3, RFC 8037 §3.1). The caller has bound `key` to `alg` already; a key that does not
 * fit the algorithm is a bug of ours and may throw.
 */
export const verifySignature = (alg: SignatureAlgorithm, key: KeyObject, input: Buffer, signature: Buffer): boolean => {
  switch (alg) {
    case 'HS256': {
      // RFC 7518 §3.2: the comparison must not leak where it failed.
      const expected = createHmac('sha256', key).update(input).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    }
    case 'RS256':
      // PKCS #1 v1.5 is what node:crypto does with a plain RSA key; saying so in an options object costs 3 us a call.
      return verify('sha256', input, key, signature);
    case 'PS256':
      // RFC 7518 §3.5: "The size of the salt value is the same size as the hash function output."
      return verify('sha256', input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature);
    case 'ES256':
      // RFC 7518 §3.4: R and S as 32 octets each, concatenated; DER is refused by its length.
      return signature.length === 64 && verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature);
    case 'EdDSA':
      return signature.length === 64 && verify(null, input, key, signature);
  }
};

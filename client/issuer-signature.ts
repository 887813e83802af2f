/**
 * @sallyport/client/issuer-signature: believes a device's registration only with the issuer's signature. For clients that carry the issuer's public
 * keys with them (built in, or from a configuration): keys that come over the same connection as the registration prove nothing about it.
 */

/** WebCrypto's names; a member that an algorithm does not know is passed over. */
const algorithms = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
} as const;

export type CheckSignature = (signature: BufferSource, transcriptHash: BufferSource) => Promise<boolean>;

/**
 * @param keys members of the issuer's JWKS, each with its `alg`; any one of them may have signed
 * @throws TypeError for a key without an `alg` that signs, and where there is none
 */
export const signedBy = (keys: readonly JsonWebKey[]): CheckSignature => {
  const known = keys.map((key) => ({ key, algorithm: algorithmOf(key) }));
  if (known.length === 0) throw new TypeError('signedBy: no key');
  return async (signature, transcriptHash) => {
    for (const { key, algorithm } of known) {
      // What the key is for is said by what imports it.
      const { alg: _alg, use: _use, key_ops: _ops, ...material } = key;
      const imported = await crypto.subtle.importKey('jwk', material, algorithm, false, ['verify']);
      if (await crypto.subtle.verify(algorithm, imported, signature, transcriptHash)) return true;
    }
    return false;
  };
};

const algorithmOf = ({ alg = '' }: JsonWebKey): (typeof algorithms)[keyof typeof algorithms] => {
  if (!Object.hasOwn(algorithms, alg)) throw new TypeError(`signedBy: a key's alg is "${alg}"`);
  return algorithms[alg as keyof typeof algorithms];
};

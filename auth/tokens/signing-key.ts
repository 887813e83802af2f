import { createHmac, type KeyObject, sign } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';

/** A key that signs access tokens. `signJws` returns the signature over the ASCII signing input (RFC 7515 §5.1). */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  signJws(signingInput: string): Buffer | Promise<Buffer>;
}

const pssOptions = { padding: 6, saltLength: 32 } as const;

/** RSA signatures take up to a millisecond, so they are made in the thread pool; the others are cheaper than the way there. */
export const createSigningKey = (kid: string, algorithm: SignatureAlgorithm, key: KeyObject): SigningKey => ({
  kid,
  algorithm,
  signJws: (signingInput) => {
    switch (algorithm) {
      case 'HS256':
        return createHmac('sha256', key).update(signingInput).digest();
      case 'ES256':
        // RFC 7518 §3.4: R ‖ S, 64 octets, not DER.
        return sign('sha256', Buffer.from(signingInput), { key, dsaEncoding: 'ieee-p1363' });
      case 'EdDSA':
        return sign(null, Buffer.from(signingInput), key);
      case 'RS256':
        return signInPool(signingInput, { key });
      case 'PS256':
        // RFC 7518 §3.5: "The size of the salt value is the same size as the hash function output."
        return signInPool(signingInput, { key, ...pssOptions });
    }
  },
});

const signInPool = (signingInput: string, key: Parameters<typeof sign>[2]): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    sign('sha256', Buffer.from(signingInput), key, (error, signature) => (error ? reject(error) : resolve(signature)));
  });

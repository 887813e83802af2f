import { createHmac, type KeyObject, sign } from 'node:crypto';
import type { SignatureAlgorithm } from '@sallyport/contract';

/** A key that signs access tokens. `signJws` returns the signature over the ASCII signing input (RFC 7515 §5.1), or over bytes as they are. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  /** Signing leaves this machine: it takes its time, and may fail. What is not to be changed without a signature is signed first. */
  readonly isRemote?: boolean;
  signJws(signingInput: string | Buffer): Buffer | Promise<Buffer>;
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
        return sign('sha256', bytesOf(signingInput), { key, dsaEncoding: 'ieee-p1363' });
      case 'EdDSA':
        return sign(null, bytesOf(signingInput), key);
      case 'RS256':
        return signInPool(signingInput, { key });
      case 'PS256':
        // RFC 7518 §3.5: "The size of the salt value is the same size as the hash function output."
        return signInPool(signingInput, { key, ...pssOptions });
    }
  },
});

const bytesOf = (signingInput: string | Buffer): Buffer =>
  typeof signingInput === 'string' ? Buffer.from(signingInput) : signingInput;

const signInPool = (signingInput: string | Buffer, key: Parameters<typeof sign>[2]): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    sign('sha256', bytesOf(signingInput), key, (error, signature) => (error ? reject(error) : resolve(signature)));
  });

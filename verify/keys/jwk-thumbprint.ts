import { createHash, type KeyObject } from 'node:crypto';

/** RFC 7638 §3.2: the required members of each key type, in lexicographic order. */
const members = { RSA: ['e', 'kty', 'n'], EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'] } as const;

const isKeyType = (kty: string | undefined): kty is keyof typeof members => kty !== undefined && kty in members;

/** RFC 7638 SHA-256 thumbprint of a public (or private) key, base64url. Synchronous, so that fixed keys need no await. */
export const jwkThumbprint = (key: KeyObject): string => {
  const jwk = key.export({ format: 'jwk' });
  if (!isKeyType(jwk.kty)) throw new TypeError('Key type without a thumbprint');
  const required = Object.fromEntries(members[jwk.kty].map((name) => [name, jwk[name]]));
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url');
};

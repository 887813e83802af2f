/**
 * Proofs of possession (RFC 9449), right and wrong, written from the RFC and not from the code that judges them.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

type Json = Readonly<Record<string, unknown>>;

export interface ProofSigner {
  readonly thumbprint: string;
  readonly jwk: Json;
  readonly privateKey: KeyObject;
  /** Of a request that a token goes with, or none; members given as undefined are left out. */
  prove(method: string, url: string, accessToken?: string, claims?: Json, header?: Json): string;
}

export const encodeJson = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

export const es256 = (input: string, key: KeyObject): string =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

export const newProofSigner = (nowMs: () => number = Date.now): ProofSigner => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk: Json = { ...publicKey.export({ format: 'jwk' }) };
  const { crv, kty, x, y } = jwk as Readonly<Record<string, string>>;
  return {
    thumbprint: sha256(JSON.stringify({ crv, kty, x, y })),
    jwk,
    privateKey,
    prove: (htm, htu, accessToken, claims = {}, header = {}) => {
      const payload = {
        jti: randomBytes(16).toString('base64url'),
        htm,
        htu,
        iat: Math.floor(nowMs() / 1000),
        ...(accessToken !== undefined && { ath: sha256(accessToken) }),
        ...claims,
      };
      const input = `${encodeJson({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })}.${encodeJson(payload)}`;
      return `${input}.${es256(input, privateKey)}`;
    },
  };
};

import { createHmac, createSecretKey } from 'node:crypto';
import { type AssertionClaims, assertionType } from '@sallyport/contract';

export interface AssertionSigner {
  readonly kid: string;
  /** Compact JWS of the claims. The caller has filled them; one HMAC, nothing else. */
  sign(claims: AssertionClaims): string;
}

/**
 * Signs assertions for one service (HS256, `typ: gw-assertion+jwt`).
 * @param options `kid` of the gateway's master key, `key` = `assertionKey(master, service)`, 32 bytes
 */
export const createAssertionSigner = ({ kid, key }: { kid: string; key: Uint8Array }): AssertionSigner => {
  if (key.byteLength !== 32) throw new TypeError('An assertion key has 32 bytes');
  if (kid === '') throw new TypeError('The kid is empty');
  const secret = createSecretKey(key);
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: assertionType, kid })).toString('base64url');
  const sign = (claims: AssertionClaims): string => {
    const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  return Object.freeze({ kid, sign });
};

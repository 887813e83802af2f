import { type AssertionClaims, assertionType } from '@sallyport/contract';
import { createHmacSha256 } from './hmac-sha256.ts';

/** What differs from one request of a caller to the next. */
export type RequestClaims = Pick<AssertionClaims, 'iat' | 'exp' | 'jti' | 'cip' | 'mth' | 'pth'>;

export interface AssertionSigner {
  readonly kid: string;
  /** Compact JWS of the claims. The caller has filled them; one HMAC, nothing else. */
  sign(claims: AssertionClaims): string;
  /**
   * The same for many requests of one caller: what they have in common is written and encoded once.
   * @param common JSON text of an object with every other claim, at least one
   */
  prepare(common: string): (request: RequestClaims) => string;
}

/**
 * Signs assertions for one service (HS256, `typ: gw-assertion+jwt`).
 * @param options `kid` of the gateway's master key, `key` = `assertionKey(master, service)`, 32 bytes
 */
export const createAssertionSigner = ({ kid, key }: { kid: string; key: Uint8Array }): AssertionSigner => {
  if (key.byteLength !== 32) throw new TypeError('An assertion key has 32 bytes');
  if (kid === '') throw new TypeError('The kid is empty');
  const mac = createHmacSha256(key);
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: assertionType, kid })).toString('base64url');
  const signed = (input: string): string => `${input}.${mac(input)}`;

  const prepare: AssertionSigner['prepare'] = (common) => {
    const begun = `${common.slice(0, -1)},`;
    // White space between members (RFC 8259 §2) up to a whole number of base64 groups: what follows is encoded by itself.
    const padding = (3 - (Buffer.byteLength(begun) % 3)) % 3;
    const start = `${header}.${Buffer.from(begun + ' '.repeat(padding)).toString('base64url')}`;
    return ({ iat, exp, jti, cip, mth, pth }) => {
      const rest = `"iat":${iat},"exp":${exp},"jti":"${jti}","cip":${JSON.stringify(cip)},"mth":${JSON.stringify(mth)},"pth":"${pth}"}`;
      return signed(start + Buffer.from(rest).toString('base64url'));
    };
  };
  return Object.freeze({
    kid,
    sign: (claims: AssertionClaims) => signed(`${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`),
    prepare,
  });
};

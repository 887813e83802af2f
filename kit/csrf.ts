/**
 * CSRF tokens without state: bound to a session by a MAC that issuer and gateway alone can make.
 * Form: base64 of 32 bytes = kid 1 ‖ nonce 15 ‖ HMAC-SHA-256(key[kid], "sallyport/csrf/1" ‖ sid ‖ nonce) cut to 16.
 * It never says which session it is bound to, and is never compared with another token: each is checked by itself.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from './random.ts';

const label = 'sallyport/csrf/1';
const nonceBytes = 15;
const macBytes = 16;
const tokenBytes = 1 + nonceBytes + macBytes;
const tokenForm = /^[A-Za-z0-9+/]{43}=$/;

export interface CsrfKey {
  /** 0..255 */
  readonly kid: number;
  /** 32 bytes or more. */
  readonly key: Buffer;
}

export interface CsrfTokens {
  /** A fresh token for a session: 44 characters of base64. */
  issue(sessionId: string): string;
  /** Whether the token was made for this session, under any key that is held. Constant time in the MAC. */
  isValid(token: string, sessionId: string): boolean;
}

/** `keys`: first = current, the others are still accepted. */
export const createCsrfTokens = (options: {
  readonly keys: readonly CsrfKey[];
  readonly random: Random;
}): CsrfTokens => {
  const [current] = options.keys;
  if (current === undefined) throw new TypeError('CSRF tokens need at least one key');
  const held = new Map(options.keys.map(({ kid, key }) => [kid, key]));
  return {
    issue: (sessionId) => {
      const nonce = options.random.bytes(nonceBytes);
      return Buffer.concat([Buffer.of(current.kid), nonce, mac(current.key, sessionId, nonce)]).toString('base64');
    },
    isValid: (token, sessionId) => {
      const bytes = parse(token);
      const key = bytes && held.get(bytes.readUInt8(0));
      if (bytes === undefined || key === undefined) return false;
      const expected = mac(key, sessionId, bytes.subarray(1, 1 + nonceBytes));
      return timingSafeEqual(expected, bytes.subarray(1 + nonceBytes));
    },
  };
};

const mac = (key: Buffer, sessionId: string, nonce: Buffer): Buffer =>
  createHmac('sha256', key).update(label).update(sessionId, 'utf8').update(nonce).digest().subarray(0, macBytes);

/** One spelling only: what decodes must encode to the same text. */
const parse = (token: string): Buffer | undefined => {
  if (!tokenForm.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64');
  return bytes.length === tokenBytes && bytes.toString('base64') === token ? bytes : undefined;
};

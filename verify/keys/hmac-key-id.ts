import { createHmac } from 'node:crypto';

/**
 * The `kid` of a shared secret: 'hs' and base64url of the first 9 bytes of HMAC-SHA-256(secret, 'sallyport/kid/1').
 * It says which secret signed without saying anything about the secret itself.
 * @param secret text (UTF-8) or bytes
 */
export const hmacKeyId = (secret: string | Uint8Array): string =>
  `hs${createHmac('sha256', secret).update('sallyport/kid/1').digest().subarray(0, 9).toString('base64url')}`;

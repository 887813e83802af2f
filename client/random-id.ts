import { toBase64url } from './base64url.ts';

/** 24 random bytes in base64url: 32 characters. */
export const randomId = (): string => {
  return toBase64url(crypto.getRandomValues(new Uint8Array(24)));
};

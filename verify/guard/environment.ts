import { readFileSync } from 'node:fs';
import type { AssertionKey } from '../assertions/verify-assertion.ts';
import { decodeBase64url } from '../jws/base64url.ts';

/** Current, next, and room for an emergency. */
const maxKeys = 8;

const parseKey = (item: string): AssertionKey => {
  const colon = item.indexOf(':');
  const kid = item.slice(0, Math.max(colon, 0));
  const key = decodeBase64url(item.slice(colon + 1));
  // The item itself is a secret and stays out of the message.
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(kid) || key?.length !== 32) {
    throw new TypeError('GATEWAY_ASSERTION_KEYS is "kid:base64url, …", each key of 32 bytes');
  }
  return Object.freeze({ kid, key });
};

/** A file that is there and empty is what a command that failed leaves behind its `>`. */
const textOf = (file: string): string => {
  const text = readFileSync(file, 'utf8');
  if (text.trim() === '') throw new TypeError(`GATEWAY_ASSERTION_KEYS_FILE names ${file}, which is empty`);
  return text;
};

/** Reads `kid:base64url, …`, first = current. */
export const parseAssertionKeys = (text: string): readonly AssertionKey[] => {
  const items = text.split(',').map((item) => item.trim());
  if (items.length > maxKeys) throw new TypeError(`GATEWAY_ASSERTION_KEYS has more than ${maxKeys} keys`);
  return Object.freeze(items.map(parseKey));
};

/**
 * A service's keys from `GATEWAY_ASSERTION_KEYS`, or from the file that `GATEWAY_ASSERTION_KEYS_FILE` names.
 * @throws TypeError when neither or both are set, the file is empty, or the text has another form
 */
export const assertionKeysFrom = (env: Readonly<Record<string, string | undefined>>): readonly AssertionKey[] => {
  const { GATEWAY_ASSERTION_KEYS: text, GATEWAY_ASSERTION_KEYS_FILE: file } = env;
  if (text && file) throw new TypeError('GATEWAY_ASSERTION_KEYS and GATEWAY_ASSERTION_KEYS_FILE are both set');
  if (text) return parseAssertionKeys(text);
  if (file) return parseAssertionKeys(textOf(file));
  throw new TypeError('GATEWAY_ASSERTION_KEYS is required');
};

/**
 * GATEWAY_SECRET, or what stands in the file that GATEWAY_SECRET_FILE names.
 * @throws TypeError when neither or both are set
 */
export const plainSecretFrom = (env: Readonly<Record<string, string | undefined>>): string => {
  const { GATEWAY_SECRET: text, GATEWAY_SECRET_FILE: file } = env;
  if (text && file) throw new TypeError('GATEWAY_SECRET and GATEWAY_SECRET_FILE are both set');
  // A file that was written by an editor ends in a line break; the gateway cuts the same one off.
  const secret = file ? readFileSync(file, 'utf8').replace(/\r?\n$/, '') : text;
  if (!secret) throw new TypeError('GATEWAY_SECRET is required');
  return secret;
};

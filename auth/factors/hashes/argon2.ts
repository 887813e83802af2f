import { hash, verify } from '@node-rs/argon2';
import { decodeBase64 } from './base64.ts';
import { longestPasswordBytes, longestSaltBytes, type PasswordHash, shortestKeyBytes } from './password-hash.ts';

/** OWASP Password Storage Cheat Sheet, Argon2id: m = 19 MiB, t = 2, p = 1. */
const owasp = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** 256 MiB: the largest that a library makes by default is 100 MiB (Django). */
const mostMemoryKib = 262_144;
/** Memory times passes, in KiB: about two seconds of one core. */
const mostWorkKib = 2_097_152;
const mostLanes = 16;

/** `v=` is missing in hashes of 2015 (version 16). PHC string format: "the minimal decimal representation", which the library demands. */
const form =
  /^\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=([1-9]\d{0,6}),t=([1-9]\d{0,4}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Verifies Argon2id, Argon2i and Argon2d in PHC form; makes Argon2id. */
export const createArgon2id = (): PasswordHash => {
  const prefix = `$argon2id$v=19$m=${owasp.memoryCost},t=${owasp.timeCost},p=${owasp.parallelism}$`;
  return {
    kind: 'argon2',
    maxBytes: longestPasswordBytes,
    recognises: (stored) => stored.startsWith('$argon2'),
    refusal,
    takes: (password) => Buffer.byteLength(password) <= longestPasswordBytes,
    // Algorithm 2 is Argon2id, the library's default; its enum cannot be imported where types are stripped.
    hash: (password) => hash(password, { ...owasp, algorithm: 2 }),
    verify: (stored, password) => verify(stored, password),
    isCurrent: (stored) => stored.startsWith(prefix),
  };
};

const refusal: PasswordHash['refusal'] = (stored) => {
  const [, memory, passes, lanes, salt = '', key = ''] = form.exec(stored) ?? [];
  const [m, t, p] = [Number(memory), Number(passes), Number(lanes)];
  const saltBytes = decodeBase64(salt)?.length ?? 0;
  // RFC 9106 §3.1: a salt of 8 bytes at least, and 8 KiB for each lane.
  if (saltBytes < 8 || saltBytes > longestSaltBytes || !(t >= 1 && p >= 1 && m >= 8 * p)) return 'malformed';
  const keyBytes = decodeBase64(key)?.length ?? 0;
  if (keyBytes < shortestKeyBytes || keyBytes > 128) return 'malformed';
  return m > mostMemoryKib || m * t > mostWorkKib || p > mostLanes ? 'too_costly' : undefined;
};

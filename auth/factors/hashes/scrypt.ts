import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { decodeBase64 } from './base64.ts';
import {
  type HashVerifier,
  longestKeyBytes,
  longestPasswordBytes,
  longestSaltBytes,
  shortestKeyBytes,
} from './password-hash.ts';

/** 256 MiB. OWASP's largest is 128 MiB (N = 2^17, r = 8, p = 1). */
const mostMemoryBytes = 268_435_456;
/** N x r x p, a few seconds of one core: OWASP's settings are 2^20. */
const mostWork = 4_194_304;

interface Parsed {
  /** RFC 7914 §2: a power of two larger than 1. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** The PHC form, which passlib writes as well: `ln` is the logarithm of N. */
const phc = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,5}),p=(\d{1,5})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)$/;
/** Django: the salt is text and is used as it stands. */
const django = /^scrypt\$(\d{1,10})\$([^$]+)\$(\d{1,5})\$(\d{1,5})\$([A-Za-z0-9+/]+={0,2})$/;

export const createScrypt = (): HashVerifier => ({
  kind: 'scrypt',
  recognises: (stored) => /^\$?scrypt\$/.test(stored),
  refusal: (stored) => {
    const parsed = parse(stored);
    if (parsed === undefined) return 'malformed';
    return memoryOf(parsed) > mostMemoryBytes || parsed.N * parsed.r * parsed.p > mostWork ? 'too_costly' : undefined;
  },
  takes: (password) => Buffer.byteLength(password) <= longestPasswordBytes,
  verify: async (stored, password) => {
    const parsed = parse(stored);
    if (parsed === undefined) return false;
    const { N, r, p, salt, key } = parsed;
    return timingSafeEqual(await derive(password, salt, key.length, { N, r, p, maxmem: memoryOf(parsed) }), key);
  },
});

/** RFC 7914 §2 and what OpenSSL keeps beside it. */
const memoryOf = ({ N, r, p }: Parsed): number => 128 * r * (N + p + 2);

const derive = (password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });

const parse = (stored: string): Parsed | undefined => {
  const [isPhc, log = '', r = '', p = '', salt = '', key = ''] = phc.exec(stored) ?? [];
  if (isPhc !== undefined) return checked(2 ** Number(log), r, p, decodeBase64(salt), decodeBase64(key));
  const [isDjango, N = '', text = '', blocks = '', lanes = '', hash = ''] = django.exec(stored) ?? [];
  return isDjango === undefined ? undefined : checked(Number(N), blocks, lanes, Buffer.from(text), decodeBase64(hash));
};

const checked = (
  N: number,
  r: string,
  p: string,
  salt: Buffer | undefined,
  key: Buffer | undefined,
): Parsed | undefined => {
  if (N < 2 || !Number.isInteger(Math.log2(N)) || Number(r) < 1 || Number(p) < 1) return undefined;
  // RFC 7914 §2: N is "less than 2^(128 * r / 8)".
  if (Math.log2(N) >= 16 * Number(r)) return undefined;
  if (salt === undefined || salt.length > longestSaltBytes) return undefined;
  if (key === undefined || key.length < shortestKeyBytes || key.length > longestKeyBytes) return undefined;
  return { N, r: Number(r), p: Number(p), salt, key };
};

import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { decodeBase64, decodePasslibBase64 } from './base64.ts';
import {
  type HashVerifier,
  longestKeyBytes,
  longestPasswordBytes,
  longestSaltBytes,
  shortestKeyBytes,
} from './password-hash.ts';

const derive = promisify(pbkdf2);

/** HMAC computations per block of the key: a few seconds of one core. Django 5.2 makes one million, OWASP asks for 600,000. */
const mostRounds = 5_000_000;
const digestBytes: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };

interface Parsed {
  readonly digest: string;
  readonly rounds: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** The PHC form (`i=`, standard base64) and passlib's (rounds alone, its own base64). */
const phc = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$i=(\d{1,9})(?:,l=(\d{1,3}))?\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const passlib = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d{1,9})\$([A-Za-z0-9./]*)\$([A-Za-z0-9./]+)$/;
/** Django: the salt is text and is used as it stands. */
const django = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,9})\$([^$]+)\$([A-Za-z0-9+/]+={0,2})$/;

export const createPbkdf2 = (): HashVerifier => ({
  kind: 'pbkdf2',
  recognises: (stored) => /^\$pbkdf2[$-]|^pbkdf2_/.test(stored),
  refusal: (stored) => {
    const parsed = parse(stored);
    if (parsed === undefined) return 'malformed';
    const blocks = Math.ceil(parsed.key.length / (digestBytes[parsed.digest] ?? 1));
    return parsed.rounds * blocks > mostRounds ? 'too_costly' : undefined;
  },
  takes: (password) => Buffer.byteLength(password) <= longestPasswordBytes,
  verify: async (stored, password) => {
    const parsed = parse(stored);
    if (parsed === undefined) return false;
    const key = await derive(password, parsed.salt, parsed.rounds, parsed.key.length, parsed.digest);
    return timingSafeEqual(key, parsed.key);
  },
});

const parse = (stored: string): Parsed | undefined => parsePhc(stored) ?? parsePasslib(stored) ?? parseDjango(stored);

const parsePhc = (stored: string): Parsed | undefined => {
  const [whole, digest = 'sha1', rounds = '', length, salt = '', key = ''] = phc.exec(stored) ?? [];
  const parsed = whole === undefined ? undefined : checked(digest, rounds, decodeBase64(salt), decodeBase64(key));
  return length === undefined || parsed?.key.length === Number(length) ? parsed : undefined;
};

const parsePasslib = (stored: string): Parsed | undefined => {
  const [whole, digest = 'sha1', rounds = '', salt = '', key = ''] = passlib.exec(stored) ?? [];
  if (whole === undefined) return undefined;
  return checked(digest, rounds, decodePasslibBase64(salt), decodePasslibBase64(key));
};

const parseDjango = (stored: string): Parsed | undefined => {
  const [whole, digest = '', rounds = '', salt = '', key = ''] = django.exec(stored) ?? [];
  return whole === undefined ? undefined : checked(digest, rounds, Buffer.from(salt), decodeBase64(key));
};

const checked = (
  digest: string,
  rounds: string,
  salt: Buffer | undefined,
  key: Buffer | undefined,
): Parsed | undefined => {
  if (salt === undefined || salt.length > longestSaltBytes || Number(rounds) < 1) return undefined;
  if (key === undefined || key.length < shortestKeyBytes || key.length > longestKeyBytes) return undefined;
  return { digest, rounds: Number(rounds), salt, key };
};

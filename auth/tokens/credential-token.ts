/**
 * The text of a service credential: `<id>_<secret>`, such as `sp_9w3k1m7x0c2d_…`. 15 characters that name it, and 256 random bits. Scanners of
 * secrets find it by `sp_[0-9a-z]{12}_[A-Za-z0-9_-]{43}`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type CredentialId, isCredentialId } from '@sallyport/contract';
import { decode, encode } from '@sallyport/kit/base64url';
import type { Random } from '@sallyport/kit/random';

const secretBytes = 32;
const idCharacters = 12;
/** Without i, l, o and u, which people read as others (Crockford). */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

const form = /^(sp_[0-9a-hjkmnp-tv-z]{12})_([A-Za-z0-9_-]{43})$/;

export interface CredentialToken {
  readonly id: CredentialId;
  readonly secret: Uint8Array;
}

export const drawToken = (random: Pick<Random, 'bytes'>): CredentialToken => {
  const drawn = [...random.bytes(idCharacters)].map((byte) => alphabet[byte & 31]).join('');
  return { id: `sp_${drawn}`, secret: random.bytes(secretBytes) };
};

export const writeToken = ({ id, secret }: CredentialToken): string => `${id}_${encode(secret)}`;

/** Undefined: not the one spelling of a credential. Nothing is looked up for it. */
export const parseToken = (text: string): CredentialToken | undefined => {
  const [, id, secretText = ''] = form.exec(text) ?? [];
  const secret = decode(secretText);
  return isCredentialId(id) && secret?.length === secretBytes ? { id, secret } : undefined;
};

/**
 * A fast digest is right here: nobody guesses 256 random bits, however fast he tries. It is of the secret and the id, so that a digest moved to
 * another row opens nothing.
 */
export const digestOf = ({ id, secret }: CredentialToken): Buffer =>
  createHash('sha256').update('sallyport/credential/1').update(id).update(secret).digest();

/** Takes as long whatever is stored, and as long where nothing is. */
export const isDigest = (token: CredentialToken, stored: Uint8Array | undefined): boolean => {
  const isEqual = timingSafeEqual(digestOf(token), stored ?? new Uint8Array(32));
  return isEqual && stored !== undefined;
};

/**
 * The only at-rest format of secrets: `v1.kid.nonce.ciphertext`, AES-256-GCM, parts in base64url.
 * A sealed value opens only at the place it was sealed for: table, column and row are associated data, so that whoever can
 * write to the store cannot move a value elsewhere.
 * Never: stores keys, seals with a retired key, or says in an error what was inside.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { decode, encode } from './base64url.ts';
import type { Random } from './random.ts';

/** Where a sealed value stands. `row` is the row's id as text. */
export interface SealPlace {
  readonly table: string;
  readonly column: string;
  readonly row: string;
}

export interface SealerOptions {
  /** Root keys of at least 32 bytes; the first seals, all open. */
  readonly keys: readonly { readonly kid: string; readonly key: Uint8Array }[];
  readonly random: Pick<Random, 'bytes'>;
}

export interface Sealer {
  /** `v1.kid.nonce.ciphertext`. Text is sealed as UTF-8. */
  seal(plain: Uint8Array | string, place: SealPlace): string;
  /** The bytes that were sealed. Throws `SealError`. */
  open(sealed: string, place: SealPlace): Buffer;
}

/** `malformed`: not this format. `key_unknown`: sealed under a key that is not held. `not_authentic`: changed, or of another place. */
export type SealFailure = 'malformed' | 'version_unknown' | 'key_unknown' | 'not_authentic';

export class SealError extends Error {
  override readonly name = 'SealError';
  readonly reason: SealFailure;

  constructor(reason: SealFailure) {
    super(`sealed value refused: ${reason}`);
    this.reason = reason;
  }
}

const version = 'v1';
const info = 'sallyport/seal/1';
const algorithm = 'aes-256-gcm';
// NIST SP 800-38D §5.2.1.1 recommends 96-bit nonces; §8.3 allows 2^32 random ones under one key.
const nonceBytes = 12;
const tagBytes = 16;
const keyIdForm = /^[A-Za-z0-9_-]{1,32}$/;

export const createSealer = ({ keys, random }: SealerOptions): Sealer => {
  const derived = new Map(keys.map(({ kid, key }) => [checkedKid(kid), deriveKey(key)]));
  const current = keys[0];
  if (current === undefined || derived.size !== keys.length)
    throw new TypeError('createSealer: one or more keys with different ids');
  const keyOf = (kid: string): Buffer => derived.get(kid) ?? refuse('key_unknown');

  const seal = (plain: Uint8Array | string, place: SealPlace): string => {
    const nonce = random.bytes(nonceBytes);
    const cipher = createCipheriv(algorithm, keyOf(current.kid), nonce, { authTagLength: tagBytes });
    cipher.setAAD(associatedData(place));
    const text = typeof plain === 'string' ? Buffer.from(plain, 'utf8') : plain;
    const ciphertext = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    return [version, current.kid, encode(nonce), encode(ciphertext)].join('.');
  };

  const open = (sealed: string, place: SealPlace): Buffer => {
    const { kid, nonce, ciphertext } = parse(sealed);
    const decipher = createDecipheriv(algorithm, keyOf(kid), nonce, { authTagLength: tagBytes });
    decipher.setAAD(associatedData(place));
    decipher.setAuthTag(ciphertext.subarray(-tagBytes));
    const plain = decipher.update(ciphertext.subarray(0, -tagBytes));
    try {
      return Buffer.concat([plain, decipher.final()]);
    } catch {
      return refuse('not_authentic');
    }
  };

  return Object.freeze({ seal, open });
};

const deriveKey = (root: Uint8Array): Buffer => {
  if (root.byteLength < 32) throw new RangeError('createSealer: a root key has at least 32 bytes');
  return Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), info, 32));
};

const checkedKid = (kid: string): string => {
  if (!keyIdForm.test(kid)) throw new TypeError('createSealer: a key id is 1 to 32 letters, digits, _ or -');
  return kid;
};

const refuse = (reason: SealFailure): never => {
  throw new SealError(reason);
};

const parse = (sealed: string): { kid: string; nonce: Buffer; ciphertext: Buffer } => {
  const [found, kid = '', nonceText = '', ciphertextText = '', ...rest] = sealed.split('.', 5);
  if (found !== version) return refuse(/^v\d{1,3}$/.test(found ?? '') ? 'version_unknown' : 'malformed');
  const nonce = decode(nonceText);
  const ciphertext = decode(ciphertextText);
  const wellFormed = rest.length === 0 && keyIdForm.test(kid) && nonce?.length === nonceBytes;
  if (!wellFormed || ciphertext === undefined || ciphertext.length < tagBytes) return refuse('malformed');
  return { kid, nonce, ciphertext };
};

/** Each part with its length in front: no two places give the same bytes. */
const associatedData = ({ table, column, row }: SealPlace): Buffer =>
  Buffer.concat(
    [table, column, row].flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { proofAlgorithm, proofType } from '@sallyport/contract';
import { decodeBase64url } from '../jws/base64url.ts';

type Json = Readonly<Record<string, unknown>>;

/** Who signs a proof, and how: what its header says. */
export interface ProofHeader {
  /** RFC 7638 SHA-256 thumbprint of its key, base64url. */
  readonly thumbprint: string;
  /** Imported when it is first asked for; undefined where it is no point of the curve. */
  readonly key: () => KeyObject | undefined;
}

export type ProofHeaderRefusal = 'type' | 'algorithm' | 'header_forbidden' | 'key_private' | 'key_malformed';

/** RFC 7518 §6.2.2, §6.3.2, §6.4.1: members that hold what its holder alone may know. RFC 9449 §4.3: "does not contain a private key". */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;
/** RFC 7515 §4.1.11: who does not understand an extension MUST reject; the others name a second key. */
const forbidden = ['crit', 'b64', 'zip', 'enc', 'jku', 'x5u', 'x5c'] as const;
const coordinateBytes = 32;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const has = (value: Json, names: readonly string[]): boolean => names.some((name) => Object.hasOwn(value, name));

/** In its one spelling: two of one key would be two thumbprints. */
const isCoordinate = (value: unknown): value is string =>
  typeof value === 'string' && decodeBase64url(value)?.length === coordinateBytes;

/** RFC 9449 §4.3, points 4, 5 and 7: the type, an algorithm of our own list, and a public key that fits it. */
export const checkProofHeader = (header: Json): ProofHeader | ProofHeaderRefusal => {
  const { typ, alg, jwk } = header;
  if (typ !== proofType) return 'type';
  if (alg !== proofAlgorithm) return 'algorithm';
  if (has(header, forbidden)) return 'header_forbidden';
  if (!isObject(jwk)) return 'key_malformed';
  if (has(jwk, privateMembers)) return 'key_private';
  const { kty, crv, x, y } = jwk;
  if (kty !== 'EC' || crv !== 'P-256' || !isCoordinate(x) || !isCoordinate(y)) return 'key_malformed';
  let imported: KeyObject | 'none' | undefined;
  return {
    // RFC 7638 §3.2: the required members in lexicographic order.
    thumbprint: createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url'),
    key: () => {
      imported ??= importPoint({ kty, crv, x, y });
      return imported === 'none' ? undefined : imported;
    },
  };
};

const importPoint = (key: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }) => {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return 'none';
  }
};

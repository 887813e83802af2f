/** Key agreement with a key that somebody else has chosen: everything about it is checked before the secret is used. */
import { createECDH, createPrivateKey, createPublicKey, diffieHellman, type KeyObject, randomBytes } from 'node:crypto';
import type { DeviceCurve } from '@sallyport/storage/contracts/devices';

/** X25519: 32 bytes (RFC 7748 §5). P-256: uncompressed point, 65 bytes (SEC 1 §2.3.3). */
export const publicKeyBytes: Readonly<Record<DeviceCurve, number>> = { X25519: 32, 'P-256': 65 };
const scalarBytes = 32;

/** `length`: not that many bytes. `point`: none of the curve. `secret`: of low order, the secret would be known to everybody. */
export type KeyRefusal = 'length' | 'point' | 'secret';

export interface Agreement {
  readonly publicKey: Buffer;
  readonly secret: Buffer;
}

/** @param privateKey 32 bytes; drawn where it is not given, as everywhere but in tests with published vectors */
export const agree = (
  curve: DeviceCurve,
  theirs: Uint8Array,
  privateKey: Uint8Array = randomBytes(scalarBytes),
): Agreement | KeyRefusal => {
  if (theirs.length !== publicKeyBytes[curve]) return 'length';
  const agreed = curve === 'X25519' ? agreeX25519(theirs, privateKey) : agreeP256(theirs, privateKey);
  // RFC 7748 §6.1: "Both MAY check, without leaking extra information about the value of K, whether K is the all-zero value and abort if so."
  return typeof agreed === 'string' || agreed.secret.some((byte) => byte !== 0) ? agreed : 'secret';
};

const anyScalar = Buffer.alloc(scalarBytes, 0x42);

/** Whether the key would be refused, whatever ours is. */
export const isUsable = (curve: DeviceCurve, theirs: Uint8Array): boolean =>
  typeof agree(curve, theirs, anyScalar) !== 'string';

const okp = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** PKCS#8 of RFC 8410 §7, all that stands before the 32 bytes. */
const x25519Pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

const agreeX25519 = (theirs: Uint8Array, scalar: Uint8Array): Agreement | KeyRefusal => {
  const der = Buffer.concat([x25519Pkcs8, scalar]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: okp(theirs) }, format: 'jwk' });
  const secret = derive(privateKey, publicKey);
  if (secret === undefined) return 'secret';
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { publicKey: Buffer.from(x, 'base64url'), secret };
};

/** OpenSSL refuses to derive where the result would be zero: a point of low order. */
const derive = (privateKey: KeyObject, publicKey: KeyObject): Buffer | undefined => {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
};

const uncompressed = 0x04;

const agreeP256 = (theirs: Uint8Array, scalar: Uint8Array): Agreement | KeyRefusal => {
  if (theirs[0] !== uncompressed) return 'point';
  const own = createECDH('prime256v1');
  own.setPrivateKey(scalar);
  try {
    return { publicKey: own.getPublicKey(), secret: own.computeSecret(theirs) };
  } catch {
    // SEC 1 §3.2.2.1: not on the curve. The curve's cofactor is 1, so that there are no points of low order.
    return 'point';
  }
};

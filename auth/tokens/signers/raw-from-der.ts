import { SignerFailure } from '../signer.ts';

const halfBytes = 32;

/**
 * RFC 3279 §2.2.3 (`SEQUENCE { r INTEGER, s INTEGER }`) to RFC 7518 §3.4 (R ‖ S, 32 octets each), for P-256. Strict: one spelling, and
 * nothing behind it.
 */
export const rawFromDer = (der: Buffer): Buffer => {
  if (der.length < 8 || der[0] !== 0x30 || der[1] !== der.length - 2) throw notDer();
  const r = readInteger(der, 2);
  const s = readInteger(der, r.end);
  if (s.end !== der.length) throw notDer();
  return Buffer.concat([r.bytes, s.bytes]);
};

const readInteger = (der: Buffer, at: number): { readonly bytes: Buffer; readonly end: number } => {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  if (der[at] !== 0x02 || length === 0 || length > halfBytes + 1 || end > der.length) throw notDer();
  const digits = der.subarray(at + 2, end);
  const [first = 0, second = 0] = digits;
  // Negative, or longer than it has to be.
  if (first >= 0x80 || (first === 0 && length > 1 && second < 0x80)) throw notDer();
  const bare = first === 0 ? digits.subarray(1) : digits;
  if (bare.length > halfBytes) throw notDer();
  return { bytes: Buffer.concat([Buffer.alloc(halfBytes - bare.length), bare]), end };
};

const notDer = (): SignerFailure =>
  new SignerFailure('malformed', 'the signature is not DER of two numbers of 32 bytes');

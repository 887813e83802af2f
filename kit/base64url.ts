/**
 * Base64url with one spelling per value (RFC 4648 §5, without padding).
 * A second spelling of the same bytes would let a token pass a block list or a cache under another key, so it is refused.
 * Never: accepts `+`, `/`, `=`, white space or non-zero trailing bits.
 */

export const encode = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

/** The bytes, or `undefined` where `text` is not the one spelling that `encode` gives. The empty text is zero bytes. */
export const decode = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url');
  // Node's decoder skips foreign characters, drops trailing bits (RFC 4648 §3.5) and stops at padding:
  // only the canonical text survives the way back.
  return bytes.toString('base64url') === text ? bytes : undefined;
};

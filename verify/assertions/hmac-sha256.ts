import { hash } from 'node:crypto';

/** FIPS 180-4: SHA-256 works on blocks of so many bytes. */
const blockBytes = 64;
const digestBytes = 32;
/** Longer texts get a buffer of their own. */
const reservedBytes = 8192;

/**
 * HMAC-SHA-256 (RFC 2104) of ASCII text under one key, as base64url. `createHmac` makes a stream object for each call, which costs as much
 * as the two hashes that it stands for; these are node:crypto's, in one call each, over buffers that begin with the key.
 */
export const createHmacSha256 = (key: Uint8Array): ((text: string) => string) => {
  if (key.byteLength > blockBytes) throw new TypeError('a key of at most one block is needed');
  const inner = padded(key, 0x36, reservedBytes);
  const outer = padded(key, 0x5c, digestBytes);

  return (text) => {
    const fits = text.length <= reservedBytes;
    const begun = fits ? inner : Buffer.concat([inner.subarray(0, blockBytes), Buffer.alloc(text.length)]);
    const end = blockBytes + begun.write(text, blockBytes, 'latin1');
    // As text, since a buffer for 32 bytes costs more than the way back.
    outer.write(hash('sha256', begun.subarray(0, end), 'latin1'), blockBytes, 'latin1');
    return hash('sha256', outer, 'base64url');
  };
};

/** RFC 2104 §2: the key, filled up with zeros to a block, XORed with one byte repeated; room behind it. */
const padded = (key: Uint8Array, pad: number, roomBytes: number): Buffer => {
  // Of its own: nobody else's data may come to lie beside a key.
  const buffer = Buffer.allocUnsafeSlow(blockBytes + roomBytes);
  for (let at = 0; at < blockBytes; at += 1) buffer[at] = (key[at] ?? 0) ^ pad;
  return buffer;
};

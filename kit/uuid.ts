/**
 * UUIDs: 16 bytes in stores, lower-case text outside (RFC 9562 §4). Ids are never secrets and never reused.
 * Never: accepts upper case, braces, `urn:uuid:` or a text without hyphens; one id has one spelling.
 */

const textForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for the one text form: 36 characters, lower case. */
export const isUuidText = (text: unknown): text is string => typeof text === 'string' && textForm.test(text);

/** The 16 bytes of a UUID text. Throws `TypeError` on any other spelling: check foreign text with `isUuidText` before. */
export const uuidToBytes = (text: string): Buffer => {
  if (!isUuidText(text)) throw new TypeError('not a lower-case UUID text');
  return Buffer.from(text.replaceAll('-', ''), 'hex');
};

/** The lower-case text of a UUID's bytes. Throws `TypeError` unless there are exactly 16. */
export const uuidFromBytes = (bytes: Uint8Array): string => {
  if (bytes.byteLength !== 16) throw new TypeError('a UUID has 16 bytes');
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** When a UUIDv7 was made, in whole milliseconds, by the clock of whoever made it (RFC 9562 §5.7). */
export const uuidTimeMs = (text: string): number => uuidToBytes(text).readUIntBE(0, 6);

/**
 * Makes UUIDv7 texts from a source of random bytes; each maker keeps its own counter.
 * Within one millisecond the ids rise: RFC 9562 §6.2 method 1, a 32-bit counter in `rand_a` and the top of `rand_b`,
 * seeded anew each millisecond with its top bit clear, so that at least 2^31 ids fit before it could overflow.
 */
export const createUuidV7 = (randomBytes: (count: number) => Buffer): ((nowMs: number) => string) => {
  let lastMs = -1;
  let counter = 0;
  return (nowMs) => {
    if (!Number.isSafeInteger(nowMs) || nowMs < 0 || nowMs >= 2 ** 48) {
      throw new RangeError('uuidv7: time must be whole milliseconds in 48 bits');
    }
    const bytes = randomBytes(16);
    counter = nowMs === lastMs ? counter + 1 : bytes.readUInt32BE(0) >>> 1;
    lastMs = nowMs;
    return uuidFromBytes(layOut(bytes, nowMs, counter));
  };
};

/** RFC 9562 §5.7: unix_ts_ms 48, ver 4, rand_a 12, var 2, rand_b 62. The last 44 bits keep their random content. */
const layOut = (bytes: Buffer, nowMs: number, counter: number): Buffer => {
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | (counter >>> 20), 6);
  bytes.writeUInt16BE(0x8000 | ((counter >>> 6) & 0x3fff), 8);
  bytes.writeUInt8(((counter & 0x3f) << 2) | (bytes.readUInt8(10) & 0x03), 10);
  return bytes;
};

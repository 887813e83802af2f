/**
 * The refresh token (refresh.md): base64url(version 1 ‖ kid 2 ‖ session id 16 ‖ generation 4 ‖ M1 16 ‖ M2 16).
 * M1 needs a root key only: garbage and forgeries are refused before the store is asked. M2 needs the root key and the salt of
 * the session's row: neither the store nor the key alone can mint. Nothing here asks a store or a clock.
 */
import { createHmac, createSecretKey, hash, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { SessionId } from '@sallyport/contract';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';

const version = 1;
const headBytes = 1 + 2 + 16 + 4;
const macBytes = 16;
const tokenBytes = headBytes + 2 * macBytes;
const tokenLength = Math.ceil((tokenBytes * 4) / 3);
const tokenForm = new RegExp(`^[A-Za-z0-9_-]{${tokenLength}}$`);
/** HKDF info labels (RFC 5869 §3.2). */
/** Session keys that are kept between the check of a token and the derivation of its successor. */
const keptSessionKeys = 512;
const preLabel = 'sallyport/refresh/1/pre';
const label = 'sallyport/refresh/1';

export interface RefreshRootKey {
  /** 0..65535 */
  readonly kid: number;
  /** 32 bytes or more. */
  readonly key: Buffer;
}

/** `REFRESH_SECRET`: keys the stored hash and enters M2. */
export interface RefreshSecret {
  readonly kid: string;
  readonly key: Buffer;
}

/** The id of a `REFRESH_SECRET`: says which one keyed a hash, and nothing about it. */
export const refreshSecretId = (secret: string): string =>
  createHmac('sha256', secret).update('sallyport/kid/1').digest().subarray(0, 6).toString('base64url');

/** What the text alone tells, M1 already checked. */
export interface ParsedRefreshToken {
  readonly keyId: number;
  readonly sessionId: SessionId;
  readonly generation: number;
  readonly bytes: Buffer;
}

/** What the row knows of its current token. */
export interface TokenPosition {
  /** The session. */
  readonly id: SessionId;
  readonly generation: number;
  readonly keyId: number;
  readonly salt: Uint8Array;
  /** Empty: no refresh secret. */
  readonly hashKeyId: string;
}

export interface RefreshTokens {
  /** The root key and refresh secret that new tokens are derived with. */
  readonly current: { readonly keyId: number; readonly hashKeyId: string };
  /** Undefined: not one of ours, by form or by M1, or under a root key that this node does not hold. */
  parse(token: string): ParsedRefreshToken | undefined;
  /** Of our form, under a root key that this node does not hold; nothing else about it has been checked. */
  namesUnknownKey(token: string): boolean;
  /** M2: was this token derived for the session that the row describes? */
  isGenuine(token: ParsedRefreshToken, row: TokenPosition): boolean;
  /** The token of a position. Throws where the node does not hold the position's keys. */
  derive(position: TokenPosition): string;
  holds(position: Pick<TokenPosition, 'keyId' | 'hashKeyId'>): boolean;
  /** The stored hash. Undefined where the refresh secret is not held any more. */
  hash(token: string, hashKeyId: string): Buffer | undefined;
}

interface HeldRoot {
  readonly key: Buffer;
  readonly preKey: KeyObject;
}

/** First root key and first secret = current. `accepted`: secrets that nothing is derived with any more, or not yet. */
export const createRefreshTokens = (options: {
  readonly roots: readonly RefreshRootKey[];
  readonly secrets: readonly RefreshSecret[];
  readonly accepted?: readonly RefreshSecret[];
}): RefreshTokens => {
  const roots = new Map(
    options.roots.map(({ kid, key }) => [kid, { key, preKey: expand(key, '', preLabel) } satisfies HeldRoot]),
  );
  const secrets = new Map([...options.secrets, ...(options.accepted ?? [])].map(({ kid, key }) => [kid, key]));
  const [currentRoot] = options.roots;
  if (currentRoot === undefined) throw new TypeError('refresh tokens need at least one root key');
  const current = { keyId: currentRoot.kid, hashKeyId: options.secrets[0]?.kid ?? '' };

  const keyMaterial = (root: HeldRoot, hashKeyId: string): Buffer | undefined => {
    if (hashKeyId === '') return root.key;
    const secret = secrets.get(hashKeyId);
    return secret && createHmac('sha256', secret).update(root.key).digest();
  };
  // Checking a token and deriving its successor need the same key: the last ones are kept, no longer than the root keys themselves.
  const sessionKeys = new Map<string, KeyObject>();
  const sessionKey = (material: Buffer, name: string, row: Pick<TokenPosition, 'salt' | 'id'>): KeyObject => {
    const place = `${name}${row.id}${Buffer.from(row.salt.buffer, row.salt.byteOffset, row.salt.length).toString('latin1')}`;
    const kept = sessionKeys.get(place);
    if (kept !== undefined) return kept;
    const key = expand(material, row.salt, Buffer.concat([Buffer.from(label), uuidToBytes(row.id)]));
    const [oldest] = sessionKeys.keys();
    if (sessionKeys.size >= keptSessionKeys && oldest !== undefined) sessionKeys.delete(oldest);
    sessionKeys.set(place, key);
    return key;
  };
  const secondMac = (head: Uint8Array, keyId: number, hashKeyId: string, row: Pick<TokenPosition, 'salt' | 'id'>) => {
    const root = roots.get(keyId);
    const material = root && keyMaterial(root, hashKeyId);
    return material && mac(sessionKey(material, `${keyId}/${hashKeyId}/`, row), head);
  };

  return {
    current,
    parse: (token) => {
      const bytes = decode(token);
      if (bytes === undefined) return undefined;
      const keyId = bytes.readUInt16BE(1);
      const root = roots.get(keyId);
      if (root === undefined) return undefined;
      const expected = mac(root.preKey, bytes.subarray(0, headBytes));
      if (!timingSafeEqual(expected, bytes.subarray(headBytes, headBytes + macBytes))) return undefined;
      const sessionId = uuidFromBytes(bytes.subarray(3, 19)) as SessionId;
      return { keyId, sessionId, generation: bytes.readUInt32BE(19), bytes };
    },
    namesUnknownKey: (token) => {
      const bytes = decode(token);
      return bytes !== undefined && !roots.has(bytes.readUInt16BE(1));
    },
    isGenuine: ({ bytes, keyId, generation }, row) => {
      const head = bytes.subarray(0, headBytes + macBytes);
      const presented = bytes.subarray(headBytes + macBytes);
      return secretsFor(row, generation, secrets).some((hashKeyId) => {
        const expected = secondMac(head, keyId, hashKeyId, row);
        return expected !== undefined && timingSafeEqual(expected, presented);
      });
    },
    derive: (position) => {
      const root = roots.get(position.keyId);
      if (root === undefined) throw new Error('the root key of this session is not held');
      const head = Buffer.alloc(headBytes);
      head.writeUInt8(version, 0);
      head.writeUInt16BE(position.keyId, 1);
      uuidToBytes(position.id).copy(head, 3);
      head.writeUInt32BE(position.generation, 19);
      const withFirst = Buffer.concat([head, mac(root.preKey, head)]);
      const second = secondMac(withFirst, position.keyId, position.hashKeyId, position);
      if (second === undefined) throw new Error('the refresh secret of this session is not held');
      return Buffer.concat([withFirst, second]).toString('base64url');
    },
    holds: ({ keyId, hashKeyId }) => roots.has(keyId) && (hashKeyId === '' || secrets.has(hashKeyId)),
    hash: (token, hashKeyId) => {
      if (hashKeyId === '') return hash('sha256', token, 'buffer');
      const secret = secrets.get(hashKeyId);
      return secret && createHmac('sha256', secret).update(token).digest();
    },
  };
};

/**
 * Which refresh secrets a token may have been derived with. The row names that of its current token; an older token may still
 * stand under another one that is held. A token from before any secret was set counts for the row that says so and for its
 * predecessor, so that setting `REFRESH_SECRET` logs nobody out.
 */
const secretsFor = (
  row: TokenPosition,
  generation: number,
  secrets: ReadonlyMap<string, Buffer>,
): readonly string[] => {
  const unkeyed = row.hashKeyId === '' || generation === row.generation - 1 ? [''] : [];
  return generation === row.generation ? [row.hashKeyId] : [...secrets.keys(), ...unkeyed];
};

const expand = (key: Buffer, salt: string | Uint8Array, info: string | Uint8Array): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', key, salt, info, 32)));

const mac = (key: KeyObject, data: Uint8Array): Buffer =>
  createHmac('sha256', key).update(data).digest().subarray(0, macBytes);

/** Strict: exact length, one spelling, known version. */
const decode = (token: string): Buffer | undefined => {
  if (!tokenForm.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== tokenBytes || bytes.toString('base64url') !== token) return undefined;
  return bytes.readUInt8(0) === version ? bytes : undefined;
};

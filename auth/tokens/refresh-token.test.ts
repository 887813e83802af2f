import type { SessionId } from '@sallyport/contract';
import { systemRandom, uuidToBytes } from '@sallyport/kit/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRefreshTokens, type RefreshRootKey, type TokenPosition } from './refresh-token.ts';

const root = (kid: number): RefreshRootKey => ({ kid, key: systemRandom.bytes(32) });
const secret = (kid: string) => ({ kid, key: systemRandom.bytes(32) });
const first = root(1);
const tokens = createRefreshTokens({ roots: [first], secrets: [] });
const newPosition = (fields: Partial<TokenPosition> = {}): TokenPosition => ({
  id: systemRandom.uuidv7(Date.now()) as SessionId,
  generation: 0,
  keyId: 1,
  salt: systemRandom.bytes(16),
  hashKeyId: '',
  ...fields,
});

const genuine = (token: string, row: TokenPosition, using = tokens): boolean => {
  const parsed = using.parse(token);
  return parsed !== undefined && using.isGenuine(parsed, row);
};

describe('refresh tokens', () => {
  it('have the published layout: version, kid, session id, generation, two MACs; 74 characters', () => {
    const position = newPosition({ generation: 7 });
    const token = tokens.derive(position);
    const bytes = Buffer.from(token, 'base64url');
    expect(token).toHaveLength(74);
    expect(bytes).toHaveLength(55);
    expect([bytes[0], bytes.readUInt16BE(1), bytes.readUInt32BE(19)]).toEqual([1, 1, 7]);
    expect(bytes.subarray(3, 19).equals(uuidToBytes(position.id))).toBe(true);
    expect(tokens.parse(token)).toMatchObject({ keyId: 1, sessionId: position.id, generation: 7 });
  });

  it('are derived: one position, one token, on every node that holds the key', () => {
    const position = newPosition();
    const elsewhere = createRefreshTokens({ roots: [root(2), first], secrets: [] });
    expect(elsewhere.derive(position)).toBe(tokens.derive(position));
    expect(genuine(elsewhere.derive(position), position)).toBe(true);
  });

  it('are refused before the store is asked, whatever bit of head or first MAC is changed', () => {
    const token = Buffer.from(tokens.derive(newPosition()), 'base64url');
    for (let bit = 0; bit < 39 * 8; bit += 1) {
      const forged = Buffer.from(token);
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(tokens.parse(forged.toString('base64url'))).toBeUndefined();
    }
  });

  it('are not genuine with any bit of the second MAC changed, another salt, or another session', () => {
    const row = newPosition();
    const token = Buffer.from(tokens.derive(row), 'base64url');
    for (let bit = 39 * 8; bit < 55 * 8; bit += 1) {
      const forged = Buffer.from(token);
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(genuine(forged.toString('base64url'), row)).toBe(false);
    }
    expect(genuine(tokens.derive(row), { ...row, salt: systemRandom.bytes(16) })).toBe(false);
    expect(genuine(tokens.derive({ ...row, salt: systemRandom.bytes(16) }), row)).toBe(false);
  });

  it('cannot be minted from the store alone, nor from the key alone', () => {
    const row = newPosition();
    const storeOnly = createRefreshTokens({ roots: [root(1)], secrets: [] });
    expect(tokens.parse(storeOnly.derive(row))).toBeUndefined();
    const keyOnly = createRefreshTokens({ roots: [first], secrets: [] });
    expect(genuine(keyOnly.derive({ ...row, salt: Buffer.alloc(16) }), row)).toBe(false);
  });

  it('have one spelling', () => {
    const token = tokens.derive(newPosition());
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // The last character carries two bits; the next one in the alphabet decodes to the same bytes.
    const lastOther = token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
    for (const spelling of [
      '',
      token.slice(1),
      `${token}=`,
      `${token}A`,
      ` ${token}`,
      token.replace(/.$/, '+'),
      lastOther,
    ]) {
      expect(tokens.parse(spelling)).toBeUndefined();
    }
  });

  it('never throw on foreign text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => tokens.parse(text) === undefined));
  });

  it('are unknown under a root key that the node does not hold', () => {
    const other = createRefreshTokens({ roots: [root(9)], secrets: [] });
    expect(tokens.parse(other.derive(newPosition({ keyId: 9 })))).toBeUndefined();
    expect(tokens.holds({ keyId: 9, hashKeyId: '' })).toBe(false);
    expect(() => tokens.derive(newPosition({ keyId: 9 }))).toThrow('not held');
  });

  it('are bound to the refresh secret that the row names, and none is assumed for it', () => {
    const keyed = createRefreshTokens({ roots: [first], secrets: [secret('s1')] });
    const row = newPosition({ hashKeyId: 's1' });
    expect(genuine(keyed.derive(row), row, keyed)).toBe(true);
    expect(genuine(tokens.derive({ ...row, hashKeyId: '' }), row, keyed)).toBe(false);
    expect(genuine(keyed.derive(row), row, tokens)).toBe(false);
    expect(tokens.hash('token', 's1')).toBeUndefined();
  });

  it('are accepted under the secret before and the one to come, and derived with neither', () => {
    const [s1, s2] = [secret('s1'), secret('s2')];
    const before = createRefreshTokens({ roots: [first], secrets: [s1], accepted: [s2] });
    const after = createRefreshTokens({ roots: [first], secrets: [s2], accepted: [s1] });
    expect([before.current.hashKeyId, after.current.hashKeyId]).toEqual(['s1', 's2']);
    const [old, fresh] = [newPosition({ hashKeyId: 's1' }), newPosition({ hashKeyId: 's2' })];
    expect(genuine(before.derive(old), old, after)).toBe(true);
    expect(genuine(after.derive(fresh), fresh, before)).toBe(true);
    const rotated = { ...old, generation: old.generation + 1, hashKeyId: 's2' };
    expect(genuine(before.derive(old), rotated, after)).toBe(true);
    const toCome = createRefreshTokens({ roots: [first], secrets: [], accepted: [s1] });
    expect(toCome.current.hashKeyId).toBe('');
  });

  it('log nobody out when a refresh secret is set for the first time', () => {
    const keyed = createRefreshTokens({ roots: [first], secrets: [secret('s1')] });
    const before = newPosition();
    expect(genuine(tokens.derive(before), before, keyed)).toBe(true);
    const rotated = { ...before, generation: 1, hashKeyId: 's1' };
    expect(genuine(tokens.derive(before), rotated, keyed)).toBe(true);
    expect(genuine(tokens.derive(before), { ...rotated, generation: 2 }, keyed)).toBe(false);
  });
});

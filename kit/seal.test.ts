import { describe, expect, it } from 'vitest';
import { insecureSeededRandom, systemRandom } from './random.ts';
import { createSealer, SealError, type SealFailure, type SealPlace } from './seal.ts';

const key = (fill: number) => ({ kid: `k${fill}`, key: Buffer.alloc(32, fill) });
const place: SealPlace = { table: 'keys', column: 'private', row: 'row-1' };
const plain = 'planted-hunter2';
const sealer = createSealer({ keys: [key(2), key(1)], random: systemRandom });

const reasonOf = (run: () => unknown): SealFailure | 'opened' => {
  try {
    run();
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    expect(error.message).not.toContain(plain);
    return error.reason;
  }
  return 'opened';
};

describe('createSealer', () => {
  it('opens what it sealed, text and bytes, and never seals twice alike', () => {
    const bytes = systemRandom.bytes(1000);
    expect(sealer.open(sealer.seal(plain, place), place).toString()).toBe(plain);
    expect(sealer.open(sealer.seal(bytes, place), place).equals(bytes)).toBe(true);
    expect(sealer.open(sealer.seal('', place), place)).toHaveLength(0);
    expect(sealer.seal(plain, place)).not.toBe(sealer.seal(plain, place));
  });

  it('keeps to its format, byte for byte', () => {
    const fixed = createSealer({ keys: [key(1)], random: insecureSeededRandom(1) });
    expect(fixed.seal('text', place)).toBe('v1.k1.pmhfO2LVe_xJNSYx.dQglHqGbyqznZyzgkjn3Wv3yQnQ');
  });

  it('seals with the first key and opens with each held one', () => {
    const old = createSealer({ keys: [key(1)], random: systemRandom });
    expect(sealer.seal(plain, place)).toMatch(/^v1\.k2\./);
    expect(sealer.open(old.seal(plain, place), place).toString()).toBe(plain);
    expect(reasonOf(() => old.open(sealer.seal(plain, place), place))).toBe('key_unknown');
  });

  it.each([
    { ...place, table: 'users' },
    { ...place, column: 'public' },
    { ...place, row: 'row-2' },
    { table: 'keysp', column: 'rivate', row: 'row-1' },
    { table: 'keys', column: 'privater', row: 'ow-1' },
  ])('does not open at another place: %o', (elsewhere) => {
    expect(reasonOf(() => sealer.open(sealer.seal(plain, place), elsewhere))).toBe('not_authentic');
  });

  it('does not open after any single character was changed, dropped or added', () => {
    const sealed = sealer.seal(plain, place);
    for (let at = 0; at < sealed.length; at += 1) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      for (const middle of [other, '', `${sealed[at]}A`, '.']) {
        const changed = sealed.slice(0, at) + middle + sealed.slice(at + 1);
        if (changed !== sealed)
          expect(
            reasonOf(() => sealer.open(changed, place)),
            changed,
          ).not.toBe('opened');
      }
      expect(reasonOf(() => sealer.open(sealed.slice(0, at), place))).not.toBe('opened');
    }
  });

  it('does not open after any single bit of nonce or ciphertext was flipped', () => {
    const [version, kid, ...parts] = sealer.seal(plain, place).split('.');
    for (const index of [0, 1]) {
      const bytes = Buffer.from(parts[index] ?? '', 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const changed = parts.with(index, flipped.toString('base64url'));
        expect(reasonOf(() => sealer.open([version, kid, ...changed].join('.'), place))).toBe('not_authentic');
      }
    }
  });

  it('tells what is wrong by class', () => {
    const sealed = sealer.seal(plain, place);
    expect(reasonOf(() => sealer.open(sealed.replace('v1', 'v2'), place))).toBe('version_unknown');
    expect(reasonOf(() => sealer.open(sealed.replace('k2', 'k9'), place))).toBe('key_unknown');
    for (const text of ['', plain, 'v1', 'v1.k2', 'v1.k2..', `${sealed}.x`, `${sealed}=`]) {
      expect(
        reasonOf(() => sealer.open(text, place)),
        text,
      ).toBe('malformed');
    }
  });

  it('refuses to start without good keys', () => {
    expect(() => createSealer({ keys: [], random: systemRandom })).toThrow(TypeError);
    expect(() => createSealer({ keys: [key(1), key(1)], random: systemRandom })).toThrow(TypeError);
    expect(() => createSealer({ keys: [{ kid: 'a.b', key: Buffer.alloc(32) }], random: systemRandom })).toThrow(
      TypeError,
    );
    expect(() => createSealer({ keys: [{ kid: 'a', key: Buffer.alloc(31) }], random: systemRandom })).toThrow(
      RangeError,
    );
  });
});

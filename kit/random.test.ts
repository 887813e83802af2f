import { describe, expect, it } from 'vitest';
import { insecureSeededRandom, systemRandom } from './random.ts';
import { isUuidText, uuidFromBytes, uuidToBytes } from './uuid.ts';

const now = 1_795_000_000_000;

describe('systemRandom', () => {
  it('never hands out the same bytes twice across pool refills', () => {
    const seen = new Set<string>();
    for (let draw = 0; draw < 5000; draw += 1) seen.add(systemRandom.bytes(16).toString('hex'));
    expect(seen.size).toBe(5000);
  });

  it('gives a buffer that no later draw changes', () => {
    const first = systemRandom.bytes(32);
    const copy = Buffer.from(first);
    for (let draw = 0; draw < 1000; draw += 1) systemRandom.bytes(32);
    expect(first.equals(copy)).toBe(true);
    expect(first.equals(Buffer.alloc(32))).toBe(false);
  });

  it('serves long draws and refuses odd counts', () => {
    expect(systemRandom.bytes(100_000)).toHaveLength(100_000);
    expect(systemRandom.bytes(0)).toHaveLength(0);
    for (const count of [-1, 1.5, Number.NaN]) expect(() => systemRandom.bytes(count)).toThrow(RangeError);
  });
});

describe('uuidv7', () => {
  it('has version 7, the RFC variant and the time in its first 48 bits', () => {
    const id = systemRandom.uuidv7(now);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidToBytes(id).readUIntBE(0, 6)).toBe(now);
  });

  it('rises within one millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => systemRandom.uuidv7(now));
    expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? ''))).toBe(true);
  });

  it('refuses a time outside 48 bits', () => {
    for (const ms of [-1, 1.5, 2 ** 48]) expect(() => systemRandom.uuidv7(ms)).toThrow(RangeError);
  });
});

describe('insecureSeededRandom', () => {
  it('repeats for one seed, whatever the sizes of the draws, and differs for another', () => {
    const whole = insecureSeededRandom(7).bytes(100);
    const parts = insecureSeededRandom(7);
    expect(Buffer.concat([parts.bytes(33), parts.bytes(67)]).equals(whole)).toBe(true);
    expect(insecureSeededRandom(8).bytes(100).equals(whole)).toBe(false);
    expect(insecureSeededRandom(7).uuidv7(now)).toBe(insecureSeededRandom(7).uuidv7(now));
  });
});

describe('uuid text and bytes', () => {
  it('go back and forth', () => {
    const id = systemRandom.uuidv7(now);
    expect(uuidFromBytes(uuidToBytes(id))).toBe(id);
  });

  it('has one spelling', () => {
    const id = '019a0000-0000-7abc-8def-0123456789ab';
    expect(isUuidText(id)).toBe(true);
    for (const other of [
      id.toUpperCase(),
      `{${id}}`,
      `urn:uuid:${id}`,
      id.replaceAll('-', ''),
      ` ${id}`,
      `${id}\n`,
      '',
    ]) {
      expect(isUuidText(other)).toBe(false);
      expect(() => uuidToBytes(other)).toThrow(TypeError);
    }
    expect(() => uuidFromBytes(Buffer.alloc(15))).toThrow(TypeError);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCsrfTokens } from './csrf.ts';
import { systemRandom } from './random.ts';

const key = (kid: number) => ({ kid, key: systemRandom.bytes(32) });
const first = key(1);
const second = key(2);
const tokens = createCsrfTokens({ keys: [first], random: systemRandom });
const sid = '018f0000-0000-7000-8000-000000000001';

describe('CSRF tokens', () => {
  it('are 32 bytes in base64 and valid for their session', () => {
    const token = tokens.issue(sid);
    expect(Buffer.from(token, 'base64')).toHaveLength(32);
    expect(tokens.isValid(token, sid)).toBe(true);
  });

  it('are refused for another session', () => {
    expect(tokens.isValid(tokens.issue(sid), '018f0000-0000-7000-8000-000000000002')).toBe(false);
  });

  it('stay valid while their key is held, and not longer', () => {
    const old = tokens.issue(sid);
    expect(createCsrfTokens({ keys: [second, first], random: systemRandom }).isValid(old, sid)).toBe(true);
    expect(createCsrfTokens({ keys: [second], random: systemRandom }).isValid(old, sid)).toBe(false);
  });

  it('refuse every single changed bit and every other spelling', () => {
    fc.assert(
      fc.property(fc.nat(255), (bit) => {
        const bytes = Buffer.from(tokens.issue(sid), 'base64');
        const at = bit >> 3;
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at);
        expect(tokens.isValid(bytes.toString('base64'), sid)).toBe(false);
      }),
    );
    const token = tokens.issue(sid);
    for (const spelling of [token.slice(0, -1), `${token}=`, ` ${token}`, token.replaceAll('=', ''), '']) {
      expect(tokens.isValid(spelling, sid)).toBe(false);
    }
  });

  it('refuse to be made without a key', () => {
    expect(() => createCsrfTokens({ keys: [], random: systemRandom })).toThrow('at least one key');
  });
});

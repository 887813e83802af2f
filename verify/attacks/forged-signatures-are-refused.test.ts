import { describe, expect, it } from 'vitest';
import { createAccessTokenVerifier } from '../index.ts';
import {
  encode,
  fixedClock,
  forgeText,
  goodClaims,
  goodHeader,
  mint,
  outcome,
  type Rig,
  rigs,
  verifierOf,
} from '../testing/rig.ts';

const withSignature = (rig: Rig, signature: Buffer): string => mint({ ...rig, sign: () => signature });
const zeros = (length: number): Buffer => Buffer.alloc(length);
/** The order of P-256's group; r = n or s = n is zero in disguise. */
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

describe('ES256', () => {
  const rig = rigs.ES256;
  it.each([
    ['r = s = 0', zeros(64)],
    ['r = s = n', Buffer.concat([order, order])],
    ['r = 0, s = 1', Buffer.concat([zeros(63), Buffer.of(1)])],
    ['r = 1, s = 0', Buffer.concat([zeros(31), Buffer.of(1), zeros(32)])],
    ['nothing', zeros(0)],
    ['63 bytes', zeros(63)],
    ['65 bytes', zeros(65)],
    ['96 bytes, as of P-384', zeros(96)],
    ['the DER of zero and zero', Buffer.from('3006020100020100', 'hex')],
  ])('with %s is refused', (_name, signature) => {
    expect(outcome(verifierOf(rig).verify(withSignature(rig, signature)))).toBe('signature');
  });

  it('with a right signature in DER, longer or cut is refused', () => {
    const token = mint(rig);
    const input = token.slice(0, token.lastIndexOf('.'));
    const right = Buffer.from(token.slice(input.length + 1), 'base64url');
    const trim = (half: Buffer): Buffer => Buffer.from([2, 33, 0, ...half]);
    const der = Buffer.concat([Buffer.of(0x30, 70), trim(right.subarray(0, 32)), trim(right.subarray(32))]);
    for (const wrong of [
      der,
      Buffer.concat([right, zeros(1)]),
      right.subarray(0, 63),
      Buffer.concat([zeros(1), right]),
    ]) {
      expect(outcome(verifierOf(rig).verify(`${input}.${wrong.toString('base64url')}`))).toBe('signature');
    }
    expect(outcome(verifierOf(rig).verify(token))).toBe('ok');
  });
});

describe.each(Object.values(rigs))('$alg', (rig) => {
  it.each([0, 1, 31, 32, 33, 63, 64, 65, 255, 256, 257])('with %i zero bytes is refused', (length) => {
    expect(outcome(verifierOf(rig).verify(withSignature(rig, zeros(length))))).toBe('signature');
  });

  it('with any bit turned is refused', () => {
    const token = mint(rig);
    const input = token.slice(0, token.lastIndexOf('.'));
    const right = Buffer.from(token.slice(input.length + 1), 'base64url');
    for (let bit = 0; bit < right.length * 8; bit += 7) {
      const wrong = Buffer.from(right);
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(outcome(verifierOf(rig).verify(`${input}.${wrong.toString('base64url')}`))).toBe('signature');
    }
  });

  it('over other claims is refused', () => {
    const [header, , signature] = mint(rig).split('.');
    const payload = encode(JSON.stringify({ ...goodClaims, sub: 'root' }));
    expect(outcome(verifierOf(rig).verify(`${header}.${payload}.${signature}`))).toBe('signature');
  });
});

describe('RSA PKCS#1 and PSS are not taken for each other', () => {
  const { kid } = rigs.RS256;
  const body = JSON.stringify(goodClaims);
  const both = { issuer: 'auth-service', audience: 'api', algorithms: ['RS256', 'PS256'] as const };

  it('where each key is published for one algorithm', () => {
    expect(rigs.PS256.kid).toBe(kid);
    expect(outcome(verifierOf(rigs.RS256).verify(mint(rigs.PS256)))).toBe('algorithm');
    const verifier = createAccessTokenVerifier({ issuers: [{ ...both, keys: rigs.RS256.source }], clock: fixedClock });
    expect(outcome(verifier.verify(mint(rigs.PS256)))).toBe('key_unknown');
  });

  it('where the header names the other one', () => {
    const asPss = forgeText(rigs.RS256, JSON.stringify(goodHeader(rigs.PS256)), body);
    const asPkcs1 = forgeText(rigs.PS256, JSON.stringify(goodHeader(rigs.RS256)), body);
    expect(outcome(verifierOf(rigs.PS256).verify(asPss))).toBe('signature');
    expect(outcome(verifierOf(rigs.RS256).verify(asPkcs1))).toBe('signature');
  });
});

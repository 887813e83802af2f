import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { hmacKeyId, jwkThumbprint, publicKeysFromPem, sharedSecrets, staticJwks } from '../index.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const jwk = (key: KeyObject): object => key.export({ format: 'jwk' });

describe('shared secrets', () => {
  const secret = 'x'.repeat(32);

  it('are known by a kid that follows from the secret', () => {
    const mac = createHmac('sha256', secret).update('sallyport/kid/1').digest();
    expect(hmacKeyId(secret)).toBe(`hs${mac.subarray(0, 9).toString('base64url')}`);
    expect(hmacKeyId(Buffer.from(secret))).toBe(hmacKeyId(secret));
    const keys = sharedSecrets([{ secret }, { kid: 'old', secret: Buffer.alloc(32) }]).current(0).keys;
    expect(keys.map(({ kid }) => kid)).toEqual([hmacKeyId(secret), 'old']);
    expect(keys.every(({ algorithms }) => algorithms.join() === 'HS256')).toBe(true);
  });

  it('of fewer than 32 bytes, none, and two under one kid are refused', () => {
    expect(() => sharedSecrets([{ secret: 'x'.repeat(31) }])).toThrow('fewer than 32 bytes');
    expect(() => sharedSecrets([])).toThrow('No verification key');
    expect(() => sharedSecrets([{ secret }, { secret }])).toThrow('one kid');
  });
});

describe('PEM', () => {
  it('of several keys in one text gives each its RFC 7638 thumbprint, as jose computes it', async () => {
    const pairs = [rsa, ec, ed];
    const text = `# keys\n${pairs.map(({ publicKey }) => pem(publicKey)).join('\n')}`;
    const { keys } = publicKeysFromPem(text).current(0);
    const expected = await Promise.all(
      pairs.map(async ({ publicKey }) => calculateJwkThumbprint(await exportJWK(publicKey))),
    );
    expect(keys.map(({ kid }) => kid)).toEqual(expected);
    expect(pairs.map(({ publicKey }) => jwkThumbprint(publicKey))).toEqual(expected);
    expect(keys.map(({ algorithms }) => algorithms.join())).toEqual(['RS256,PS256', 'ES256', 'EdDSA']);
    expect(publicKeysFromPem(pairs.map(({ publicKey }) => pem(publicKey))).current(0).keys).toHaveLength(3);
  });

  it.each([
    ['a weak key', pem(weak.publicKey), '2048'],
    ['another curve', pem(p384.publicKey), 'P-256'],
    ['a private key', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'PRIVATE KEY'],
    [
      'a private key beside a public one',
      `${pem(ec.publicKey)}${ed.privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
      'PRIVATE',
    ],
    ['a key twice', pem(ec.publicKey).repeat(2), 'one kid'],
    ['nothing', '', 'No PEM block'],
    ['a cut block', pem(ec.publicKey).slice(0, 60), 'No PEM block'],
    ['another use', pem(generateKeyPairSync('x25519').publicKey), 'RSA, EC P-256 or Ed25519'],
  ])('with %s is refused', (_name, text, message) => {
    expect(() => publicKeysFromPem(text)).toThrow(message);
  });
});

describe('JWK Set', () => {
  const good = { ...jwk(ec.publicKey), kid: 'a', alg: 'ES256', use: 'sig', key_ops: ['verify'] };
  const kids = (...keys: object[]): readonly string[] =>
    staticJwks({ keys })
      .current(0)
      .keys.map(({ kid }) => kid);

  it('leaves out keys for other uses, of unknown types, and with algorithms that we do not serve', () => {
    const out = [
      { ...good, kid: 'b', use: 'enc' },
      { ...good, kid: 'c', key_ops: ['encrypt'] },
      { ...jwk(rsa.publicKey), kid: 'd', alg: 'RSA-OAEP' },
      { ...jwk(p384.publicKey), kid: 'e' },
      { kty: 'XYZ', kid: 'f' },
      { ...jwk(generateKeyPairSync('x25519').publicKey), kid: 'g' },
    ];
    expect(kids(...out, good)).toEqual(['a']);
    expect(() => kids(...out)).toThrow('No verification key');
  });

  it('takes JSON text, and names keys without kid by thumbprint', () => {
    const text = JSON.stringify({ keys: [jwk(ed.publicKey)] });
    expect(staticJwks(text).current(0).keys[0]?.kid).toBe(jwkThumbprint(ed.publicKey));
  });

  it.each([
    ['a private key', [good, jwk(ec.privateKey)], 'private'],
    ['a symmetric key', [good, { kty: 'oct', k: 'eHh4' }], 'symmetric'],
    ['a weak key', [good, jwk(weak.publicKey)], '2048'],
    ['an exponent of 1', [{ ...jwk(rsa.publicKey), e: 'AQ' }], 'exponent'],
    ['a kid twice', [good, { ...jwk(ed.publicKey), kid: 'a' }], 'one kid'],
    ['an alg of another type', [{ ...jwk(rsa.publicKey), alg: 'ES256' }], 'does not fit'],
    ['a kid that is no string', [{ ...good, kid: 7 }], 'not a string'],
    ['too many keys', Array.from({ length: 65 }, () => good), 'More than 64'],
  ])('with %s is refused', (_name, keys, message) => {
    expect(() => staticJwks({ keys })).toThrow(message);
  });

  it.each([[[]], [{}], [{ keys: {} }], [{ keys: [7] }], [null], ['{']])('that is %j is refused', (json) => {
    expect(() => staticJwks(json)).toThrow();
  });
});

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolders, sallyport } from '../testing/run.ts';
import { keyAlgorithms, newKeys } from './new-keys.ts';

afterAll(removeFolders);

const options = () => ({ dir: join(newFolder(), 'deep', 'keys'), algorithm: 'RS256', force: false }) as const;

describe('keys new', () => {
  it.each(keyAlgorithms)('%s: a pair that fits, the private half for its owner alone', (algorithm) => {
    const { privatePath, publicPath } = newKeys({ ...options(), algorithm });
    expect(statSync(privatePath).mode & 0o777).toBe(0o600);
    const [privatePem, publicPem] = [readFileSync(privatePath, 'utf8'), readFileSync(publicPath, 'utf8')];
    expect(privatePem).toMatch(
      algorithm.endsWith('S256') && algorithm !== 'ES256' ? /^-----BEGIN RSA PRIVATE KEY/ : /^-----BEGIN PRIVATE KEY/,
    );
    expect(publicPem).toMatch(/^-----BEGIN PUBLIC KEY/);
    const digest = algorithm === 'EdDSA' ? null : 'sha256';
    const signature = sign(digest, Buffer.from('x'), createPrivateKey(privatePem));
    expect(verify(digest, Buffer.from('x'), createPublicKey(publicPem), signature)).toBe(true);
    const bits = createPublicKey(publicPem).asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined) expect(bits).toBeGreaterThanOrEqual(2048);
  });

  it('overwrites nothing unless it is told to', () => {
    const given = options();
    const { privatePath, publicPath } = newKeys(given);
    const before = readFileSync(privatePath, 'utf8');
    expect(() => newKeys(given)).toThrow(`${privatePath} exists: nothing was changed`);
    expect(readFileSync(privatePath, 'utf8')).toBe(before);
    chmodSync(privatePath, 0o644);
    newKeys({ ...given, force: true });
    expect(readFileSync(privatePath, 'utf8')).not.toBe(before);
    expect(statSync(privatePath).mode & 0o777).toBe(0o600);
    expect(readFileSync(publicPath, 'utf8')).toMatch(/BEGIN PUBLIC KEY/);
  });

  it('keeps a public key that lies there alone', () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'jwt_public_key.pem'), 'x');
    expect(() => newKeys({ ...options(), dir })).toThrow('jwt_public_key.pem exists');
  });

  it('prints the settings that use them', () => {
    const { status, stdout } = sallyport(['keys', 'new', '--dir', 'k']);
    expect([status, stdout]).toEqual([
      0,
      'JWT_ALGORITHM=RS256\nJWT_PRIVATE_KEY_PATH=k/jwt_private_key.pem\nJWT_PUBLIC_KEY_PATH=k/jwt_public_key.pem\n',
    ]);
  });
});

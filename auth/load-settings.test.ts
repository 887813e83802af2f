import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAuthSettings } from './load-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'load-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64url');
const env = { SALLYPORT_ROOT_KEYS: `1:${key(1)}`, CSRF_KEYS: `1:${key(2)}`, JWT_SECRET: key(3) };
const envFileWith = (text: string): string => {
  const file = join(folder, '.env');
  writeFileSync(file, text);
  return file;
};

describe('the settings of the issuer', () => {
  it('follow a preset that stands in .env', () => {
    const { settings } = loadAuthSettings({ env, envFile: envFileWith('SALLYPORT_PRESET=microservices\n') });
    expect(settings).toMatchObject({ preset: 'microservices', jwtAlgorithm: 'HS256', refreshRotation: false });
  });

  it('follow the preset of the process environment over that of .env', () => {
    const envFile = envFileWith('SALLYPORT_PRESET=microservices\n');
    const { settings } = loadAuthSettings({
      env: { ...env, SALLYPORT_PRESET: 'cookie-spa', CSRF_COOKIE_NAME: 'csrf_token' },
      envFile,
    });
    expect(settings).toMatchObject({ preset: 'cookie-spa', basePath: '/api/v1/auth' });
  });

  it('refuse an unknown preset wherever it stands', () => {
    expect(() => loadAuthSettings({ env, envFile: envFileWith('SALLYPORT_PRESET=nothing\n') })).toThrow(
      'SALLYPORT_PRESET must be one of',
    );
  });

  it('refuse a public key without its private half: another key would sign', () => {
    const given = { ...env, SALLYPORT_PRESET: 'microservices', JWT_PUBLIC_KEY_PATH: '/keys/public.pem' };
    expect(() => loadAuthSettings({ env: { ...given, JWT_ALGORITHM: 'RS256' } })).toThrow(
      'JWT_PUBLIC_KEY_PATH is set without JWT_PRIVATE_KEY_PATH',
    );
    const withBoth = { ...given, JWT_ALGORITHM: 'RS256', JWT_PRIVATE_KEY_PATH: '/keys/private.pem' };
    expect(loadAuthSettings({ env: withBoth }).settings.jwtPublicKeyPath).toBe('/keys/public.pem');
    expect(loadAuthSettings({ env: given }).settings.jwtAlgorithm).toBe('HS256');
  });

  it('serve the admin API only where it is told the port, and refuse a host alone', () => {
    expect(loadAuthSettings({ env }).settings.adminPort).toBeUndefined();
    expect(() => loadAuthSettings({ env: { ...env, ADMIN_HOST: '0.0.0.0' } })).toThrow('ADMIN_HOST');
    expect(loadAuthSettings({ env: { ...env, ADMIN_PORT: '9181' } }).settings.adminPort).toBe(9181);
  });

  it('read the settings file that .env names', () => {
    const file = join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ port: 9999 }));
    const envFile = envFileWith(`SALLYPORT_PRESET=microservices\nSALLYPORT_CONFIG_FILE=${file}\n`);
    expect(loadAuthSettings({ env, envFile }).settings.port).toBe(9999);
  });
});

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKeyPair } from '@sallyport/auth/maintenance';
import { afterAll, describe, expect, it } from 'vitest';
import { issuerFolder, refusedIssuer, startIssuer } from '../testing/issuer.ts';

const settingsRefused = 78;
const folder = issuerFolder();
afterAll(() => rmSync(folder.path, { recursive: true, force: true }));
const { SALLYPORT_DATA_DIR: _own, ...secrets } = folder.settings;
const sound = { ...secrets, AUTH_PORT: '0', AUTH_PRIVATE_PORT: '0' };

const cases: readonly (readonly [
  what: string,
  settings: Readonly<Record<string, string>>,
  sentence: string | RegExp,
])[] = [
  ['JWT_SECRET is missing', { JWT_SECRET: '' }, 'JWT_SECRET is required'],
  ['JWT_SECRET is short', { JWT_SECRET: 'too short to be one' }, /^JWT_SECRET must have at least 32 bytes/m],
  ['JWT_SECRET is a sample', { JWT_SECRET: 'your-256-bit-secret' }, /^JWT_SECRET is a well-known sample secret/m],
  [
    'JWT_SECRET is a long sample',
    { JWT_SECRET: 'your-super-secret-jwt-key-change-in-production' },
    /^JWT_SECRET is a well-known sample secret/m,
  ],
  ['root keys are missing', { SALLYPORT_ROOT_KEYS: '' }, 'SALLYPORT_ROOT_KEYS is required'],
  ['CSRF keys are missing', { CSRF_KEYS: '' }, 'CSRF_KEYS is required'],
  ['a name is misspelt', { JWT_SECRTE: 'x' }, 'JWT_SECRTE is not a setting; did you mean JWT_SECRET?'],
  ['a name of ours is unknown', { SALLYPORT_COLOUR: 'red' }, /^SALLYPORT_COLOUR is not a setting/m],
  ['the preset is unknown', { SALLYPORT_PRESET: 'microservice' }, /^SALLYPORT_PRESET must be one of microservices/m],
  [
    'the port is none',
    { AUTH_PORT: 'tcp://10.0.0.1:8081' },
    /^AUTH_PORT has the form tcp:.*enableServiceLinks: false/m,
  ],
  ['the port is out of range', { AUTH_PORT: '65536' }, /^AUTH_PORT must be a port from 0 to 65535/m],
  ['name and alias differ', { AUTH_PORT: '8081', PORT: '8082' }, /are one setting and differ/],
  ['a number is none', { ACCESS_TOKEN_TTL_SECONDS: 'soon' }, /^ACCESS_TOKEN_TTL_SECONDS /m],
  ['the algorithm is unknown', { JWT_ALGORITHM: 'none' }, /^JWT_ALGORITHM must be one of/m],
  ['a switch is neither on nor off', { REFRESH_ROTATION: 'maybe' }, /^REFRESH_ROTATION /m],
  ['the store is another', { DATABASE_URL: 'mysql://localhost/x' }, /^DATABASE_URL must begin with sqlite:/m],
  ['Redis is asked for', { REDIS_URL: 'redis://localhost' }, /^REDIS_URL is not served by this version/m],
];

describe('a start is refused', () => {
  it.concurrent.each(cases)('where %s', async (_what, settings, sentence) => {
    const { exitCode, stderr } = await refusedIssuer({ ...sound, ...settings });
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(settingsRefused);
  });

  it('with all problems at once, one a line, and no secret in them', async () => {
    const { exitCode, output } = await refusedIssuer({
      ...sound,
      JWT_SECRET: 'planted-short-secret',
      CSRF_KEYS: 'planted-key-without-an-id',
      AUTH_PORT: 'eighty',
      JWT_SECRTE: 'planted-misspelt-secret',
    });
    expect(exitCode).toBe(settingsRefused);
    for (const setting of ['JWT_SECRET', 'CSRF_KEYS', 'AUTH_PORT', 'JWT_SECRTE']) {
      expect(output).toMatch(new RegExp(`^${setting} `, 'm'));
    }
    expect(output).not.toContain('planted');
  });
});

describe('a start with a key file is refused', () => {
  const { path } = folder;
  const [pair, other] = [makeKeyPair('RS256'), makeKeyPair('RS256')];
  const write = (name: string, text: string): string => {
    writeFileSync(join(path, name), text);
    return join(path, name);
  };
  const good = write('good.pem', pair.privatePem);
  const foreign = write('foreign.pem', other.publicPem);
  const elliptic = write('elliptic.pem', makeKeyPair('ES256').privatePem);
  const rs256 = { ...sound, JWT_SECRET: '', JWT_ALGORITHM: 'RS256' };

  it.concurrent.each([
    [
      'missing',
      { JWT_PRIVATE_KEY_PATH: join(path, 'nowhere.pem') },
      /^JWT_PRIVATE_KEY_PATH names the file .*nowhere\.pem, which cannot be read \(ENOENT\)/m,
    ],
    [
      'no key',
      { JWT_PRIVATE_KEY_PATH: write('garbage.pem', 'planted garbage') },
      /is not an unencrypted private key in PEM/,
    ],
    ['of another kind', { JWT_PRIVATE_KEY_PATH: elliptic }, /is not an RSA key, which RS256 needs/],
    [
      'of another pair',
      { JWT_PRIVATE_KEY_PATH: good, JWT_PUBLIC_KEY_PATH: foreign },
      /does not belong to the private key/,
    ],
  ])('that is %s', async (_what, paths, sentence) => {
    const { exitCode, stderr, output } = await refusedIssuer({ ...rs256, ...paths });
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(settingsRefused);
    expect(output).not.toContain('planted');
  });
});

describe('a start', () => {
  it('is refused on a taken port, naming the setting', async () => {
    const issuer = await startIssuer();
    const { exitCode, stderr } = await refusedIssuer({ ...sound, AUTH_PORT: new URL(issuer.url).port });
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('AUTH_PORT');
    await issuer.remove();
  });

  it('takes a secret from a file', async () => {
    const filed = issuerFolder();
    const file = join(filed.path, 'jwt-secret');
    writeFileSync(file, `${filed.settings['JWT_SECRET']}\n`);
    const issuer = await startIssuer({ JWT_SECRET: '', JWT_SECRET_FILE: file }, filed);
    expect(issuer.url).toMatch(/^http:/);
    await issuer.remove();
  });
});

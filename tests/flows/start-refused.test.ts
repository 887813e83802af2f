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

/** Every problem is told at once, so one start shows many; those that would hide each other stand apart. */
type Case = readonly [what: string, settings: Readonly<Record<string, string>>, sentences: readonly RegExp[]];
const cases: readonly Case[] = [
  [
    'secrets are missing',
    { JWT_SECRET: '', SALLYPORT_ROOT_KEYS: '', CSRF_KEYS: '' },
    [/^JWT_SECRET is required$/m, /^SALLYPORT_ROOT_KEYS is required$/m, /^CSRF_KEYS is required$/m],
  ],
  [
    'only JWT_SECRET is missing',
    { JWT_SECRET: '' },
    // The contract's line first, and how to make one.
    [/^JWT_SECRET is required\n\nHow to come by what is missing:\n {2}JWT_SECRET: openssl rand -base64 32\n$/],
  ],
  [
    'secrets are short, or no keys',
    { JWT_SECRET: 'too short to be one', SALLYPORT_ROOT_KEYS: '1:AAAA', CSRF_KEYS: 'x:AAAA' },
    [
      /^JWT_SECRET must have at least 32 bytes/m,
      /^SALLYPORT_ROOT_KEYS holds a key of fewer than 32 bytes/m,
      /^CSRF_KEYS holds a key id/m,
    ],
  ],
  [
    'secrets are well-known samples',
    { JWT_SECRET: 'your-super-secret-jwt-key-change-in-production', JWT_SECRET_PREVIOUS: 'your-256-bit-secret' },
    [/^JWT_SECRET is a well-known sample secret/m, /^JWT_SECRET_PREVIOUS is a well-known sample secret/m],
  ],
  [
    'names are misspelt, reserved or given twice',
    { JWT_SECRTE: 'x', SALLYPORT_COLOUR: 'red', AUTH_PORT: '8081', PORT: '8082' },
    [
      /^JWT_SECRTE is not a setting; did you mean JWT_SECRET\?/m,
      /^SALLYPORT_COLOUR is not a setting/m,
      /are one setting and differ/,
    ],
  ],
  ['the preset is unknown', { SALLYPORT_PRESET: 'microservice' }, [/^SALLYPORT_PRESET must be one of microservices/m]],
  [
    'values have the wrong form',
    {
      AUTH_PORT: 'tcp://10.0.0.1:8081',
      AUTH_PRIVATE_PORT: '65536',
      ACCESS_TOKEN_TTL_SECONDS: 'soon',
      JWT_ALGORITHM: 'none',
      REFRESH_ROTATION: 'maybe',
      DATABASE_URL: 'mysql://localhost/x',
    },
    [
      /^AUTH_PORT has the form tcp:.*enableServiceLinks: false/m,
      /^AUTH_PRIVATE_PORT must be a port from 0 to 65535/m,
      /^ACCESS_TOKEN_TTL_SECONDS /m,
      /^JWT_ALGORITHM must be one of/m,
      /^REFRESH_ROTATION /m,
      /^DATABASE_URL must begin with sqlite: or postgres:\/\//m,
    ],
  ],
  [
    'PostgreSQL is named in a way that could be misread',
    {
      DB_DSN: 'host=db user=auth password=one sslmode=prefer',
      DATABASE_LISTEN_URL: 'redis://db',
      DATABASE_SCHEMA: 'My Schema',
    },
    [
      /^DB_DSN has an sslmode that is not served/m,
      /^DATABASE_LISTEN_URL must begin with postgres:/m,
      /^DATABASE_SCHEMA must match/m,
    ],
  ],
  [
    'two passwords differ',
    { DATABASE_URL: 'postgres://auth:planted-one@localhost/auth_db', DB_PASSWORD: 'planted-two' },
    [/^DB_PASSWORD is another password than the one in DATABASE_URL/m],
  ],
  [
    'a password is given, and nothing to open with it',
    { DATABASE_URL: '', DB_PASSWORD: 'planted-two' },
    [/^DB_PASSWORD is set, and DATABASE_URL names no PostgreSQL/m],
  ],
  [
    'stores are asked for that this version does not serve',
    { KAFKA_BROKERS: 'kafka:9092', KAFKA_TLS: 'off', KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_PASSWORD: 'a password' },
    [/^KAFKA_USERNAME is missing/m, /^KAFKA_SASL_MECHANISM is PLAIN without TLS/m],
  ],
  [
    'Redis does not answer',
    { REDIS_URL: 'redis://:planted-password@127.0.0.1:1' },
    [/^REDIS_URL cannot be used: Redis .*ECONNREFUSED/m],
  ],
  [
    'two of them are named',
    { REDIS_URL: 'redis://localhost', REDIS_ADDR: 'localhost:6379' },
    [/^REDIS_ADDR is set beside REDIS_URL: remove one/m],
  ],
];

describe('a start is refused', () => {
  it.concurrent.each(cases)('where %s', async (_what, settings, sentences) => {
    const { exitCode, stderr } = await refusedIssuer({ ...sound, ...settings });
    for (const sentence of sentences) expect(stderr).toMatch(sentence);
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

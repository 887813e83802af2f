import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as config from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const schema = config.defineSettings({
  port: config.portSetting({ env: 'AUTH_PORT', aliases: ['PORT'], default: 8081, doc: 'Public port.' }),
  jwtSecret: config.secretSetting({ env: 'JWT_SECRET', optional: true, doc: 'Shared HS256 secret.' }),
  rootKeys: config.keyListSetting({ env: 'SALLYPORT_ROOT_KEYS', optional: true, doc: 'Root keys.' }),
  accessTtlSeconds: config.durationSetting({
    env: 'ACCESS_TOKEN_TTL_SECONDS',
    unit: 'seconds',
    min: 1,
    aliases: ['ACCESS_TOKEN_EXPIRY', { env: 'JWT_EXPIRATION_MINUTES', unit: 'minutes' }],
    default: 900,
    doc: 'Life of an access token.',
  }),
  rotation: config.booleanSetting({ env: 'REFRESH_ROTATION', default: true, doc: 'Rotation.' }),
  algorithm: config.choiceSetting({
    env: 'JWT_ALGORITHM',
    values: ['HS256', 'ES256'],
    default: 'ES256',
    doc: 'Algorithm.',
  }),
  cost: config.integerSetting({ env: 'BCRYPT_COST', min: 4, max: 15, default: 12, doc: 'Cost.' }),
  origins: config.originsSetting({ env: 'CORS_ALLOWED_ORIGINS', default: [], doc: 'Origins.' }),
  userUrl: config.urlSetting({ env: 'USER_SERVICE_URL', default: 'http://localhost:8082', doc: 'User service.' }),
  databaseUrl: config.urlSetting({
    env: 'DATABASE_URL',
    aliases: [
      { env: 'DB_HOST_PORT', translate: (text) => (/^\w+:\d+$/.test(text) ? `postgres://${text}/db` : undefined) },
    ],
    protocols: ['sqlite:', 'postgres:'],
    secret: true,
    optional: true,
    doc: 'Database.',
  }),
  clockOffsetSeconds: config.integerSetting({
    env: 'SALLYPORT_CLOCK_OFFSET_SECONDS',
    min: -1e9,
    max: 1e9,
    default: 0,
    doc: 'Shifts the clock.',
    insecure: (value) => (value === 0 ? undefined : 'shifts the clock: for tests only'),
  }),
  errorTexts: config.dataSetting<Readonly<Record<string, string>>>({
    doc: 'Texts.',
    default: {},
    check: (value) => (typeof value === 'object' && value !== null ? undefined : 'must be an object'),
  }),
});

type Input = Omit<config.SettingsInput<typeof schema>, 'env'>;
const load = (env: config.Environment = {}, rest: Input = {}) => config.loadSettings(schema, { env, ...rest });
const problemsOf = (env: config.Environment, rest: Input = {}): string => {
  try {
    load(env, rest);
  } catch (error) {
    if (error instanceof config.SettingsError) return error.message;
    throw error;
  }
  return '';
};
const strongSecret = 'Zk3v9QpX7rT2mW8sB5nJ1cL6hD4fG0yA';

describe('loadSettings', () => {
  it('gives the defaults, frozen at every level', () => {
    const { settings, warnings, sources } = load();
    expect(settings).toMatchObject({
      port: 8081,
      jwtSecret: undefined,
      accessTtlSeconds: 900,
      rotation: true,
      origins: [],
    });
    expect([warnings, sources.port]).toEqual([[], 'default']);
    expect([settings, settings.origins, settings.errorTexts].every(Object.isFrozen)).toBe(true);
  });

  it('takes process environment over .env over file over preset over default', () => {
    const envFile = write('.env', 'AUTH_PORT=2\nREFRESH_ROTATION=off\n');
    const file = write('settings.json', '{"port":3,"rotation":true,"cost":5,"accessTtlSeconds":"2h"}');
    const preset = {
      port: 4,
      rotation: true,
      cost: 6,
      accessTtlSeconds: 60,
      algorithm: 'HS256',
      errorTexts: { a: 'b' },
    } as const;
    const { settings, sources } = load({ PORT: '1' }, { envFile, file, preset });
    expect(settings).toMatchObject({
      port: 1,
      rotation: false,
      cost: 5,
      accessTtlSeconds: 7200,
      algorithm: 'HS256',
      errorTexts: { a: 'b' },
    });
    expect(sources).toMatchObject({
      port: 'PORT',
      rotation: 'REFRESH_ROTATION',
      cost: 'settings file',
      algorithm: 'preset',
    });
  });

  it.each([
    [{ ACCESS_TOKEN_TTL_SECONDS: '900' }, 900],
    [{ ACCESS_TOKEN_TTL_SECONDS: '2h' }, 7200],
    [{ ACCESS_TOKEN_TTL_SECONDS: '1h30m' }, 5400],
    [{ ACCESS_TOKEN_EXPIRY: '720h' }, 2_592_000],
    [{ JWT_EXPIRATION_MINUTES: '30' }, 1800],
    [{ JWT_EXPIRATION_MINUTES: '10s' }, 10],
    [{ JWT_EXPIRATION_MINUTES: '15', ACCESS_TOKEN_TTL_SECONDS: '900' }, 900],
  ])('reads the duration %o', (env, seconds) => {
    expect(load(env).settings.accessTtlSeconds).toBe(seconds);
  });

  it.each(['500ms', '-1', '1.5h', '10 s', '0', '1y', '1e3', '9999999999999'])('refuses the duration %s', (text) => {
    expect(problemsOf({ ACCESS_TOKEN_TTL_SECONDS: text })).toMatch(/^ACCESS_TOKEN_TTL_SECONDS must /);
  });

  it('refuses a canonical name and an alias that differ', () => {
    expect(problemsOf({ AUTH_PORT: '1', PORT: '2' })).toBe('PORT and AUTH_PORT are one setting and differ: remove one');
    expect(problemsOf({ AUTH_PORT: '1', PORT: '1' })).toBe('');
  });

  it('translates an alias of another form', () => {
    expect(load({ DB_HOST_PORT: 'db:5432' }).settings.databaseUrl).toBe('postgres://db:5432/db');
    expect(problemsOf({ DB_HOST_PORT: 'nonsense' })).toBe('DB_HOST_PORT has the wrong form');
  });

  it('explains a Kubernetes service link in the place of a port', () => {
    expect(problemsOf({ AUTH_PORT: 'tcp://10.0.0.1:8081' })).toMatch(/AUTH_PORT has the form tcp:.*enableServiceLinks/);
  });

  it('names every problem at once', () => {
    const text = problemsOf({
      AUTH_PORT: 'x',
      REFRESH_ROTATION: 'maybe',
      JWT_ALGORITHM: 'none',
      BCRYPT_COST: '99',
      CORS_ALLOWED_ORIGINS: '*',
    });
    expect(text.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'AUTH_PORT',
      'REFRESH_ROTATION',
      'JWT_ALGORITHM',
      'BCRYPT_COST',
      'CORS_ALLOWED_ORIGINS',
    ]);
  });

  it('says beside its message how to come by what is missing, and nothing of what is there', () => {
    const settings = {
      rootKeys: config.keyListSetting({ env: 'ROOT_KEYS', doc: 'Root.' }),
      secret: config.secretSetting({ env: 'SECRET', optional: true, doc: 'Secret.' }),
      feed: config.secretSetting({ env: 'FEED', howToMake: 'ask the issuer', optional: true, doc: 'Feed.' }),
      there: config.secretSetting({ env: 'THERE', optional: true, doc: 'There.' }),
    };
    const check = () => [config.settingRequired('SECRET'), config.settingRequired('FEED')];
    const refused = (env: Record<string, string>): config.SettingsError => {
      try {
        config.loadSettings(config.defineSettings(settings), { env, check });
      } catch (error) {
        if (error instanceof config.SettingsError) return error;
      }
      throw new Error('the settings were not refused');
    };
    const without = refused({ THERE: 't'.repeat(32) });
    expect(without.message.split('\n')).toEqual(['ROOT_KEYS is required', 'SECRET is required', 'FEED is required']);
    const made = `echo "1:$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')"`;
    expect(config.refusalText(without)).toBe(
      `${without.message}\n\nHow to come by what is missing:\n  ROOT_KEYS: ${made}\n  SECRET: openssl rand -base64 32\n  FEED: ask the issuer\n`,
    );
    // What the command prints is a key list.
    const printed = execFileSync('sh', ['-c', made], { encoding: 'utf8' }).trim();
    expect(refused({ ROOT_KEYS: printed }).hints).toEqual(['SECRET: openssl rand -base64 32', 'FEED: ask the issuer']);
    expect(config.refusalText({ message: 'A is bad', hints: [] })).toBe('A is bad\n');
  });

  it('says in the words of the contract that a setting is required, also when it is empty', () => {
    const strict = config.defineSettings({ jwtSecret: config.secretSetting({ env: 'JWT_SECRET', doc: 'Secret.' }) });
    for (const env of [{}, { JWT_SECRET: '' }, { JWT_SECRET: '  ' }]) {
      expect(() => config.loadSettings(strict, { env })).toThrow(/^JWT_SECRET is required$/);
    }
  });

  it('asks rules across settings when each is right by itself', () => {
    const check = () => [config.settingRequired('JWT_PRIVATE_KEY_PATH')];
    expect(problemsOf({}, { check })).toBe('JWT_PRIVATE_KEY_PATH is required');
    expect(problemsOf({ AUTH_PORT: 'x' }, { check })).not.toContain('JWT_PRIVATE_KEY_PATH');
  });

  it('tells what is missing by a rule together with what is missing by itself', () => {
    const strict = config.defineSettings({
      rootKeys: config.keyListSetting({ env: 'SALLYPORT_ROOT_KEYS', doc: 'Root keys.' }),
      jwtSecret: config.secretSetting({ env: 'JWT_SECRET', optional: true, doc: 'Secret.' }),
    });
    const check = ({ jwtSecret }: { readonly jwtSecret: string | undefined }) =>
      jwtSecret === undefined ? [config.settingRequired('JWT_SECRET')] : [];
    expect(() => config.loadSettings(strict, { env: {}, check })).toThrow(
      /^SALLYPORT_ROOT_KEYS is required\nJWT_SECRET is required$/,
    );
  });

  it('warns about insecure values', () => {
    expect(load({ SALLYPORT_CLOCK_OFFSET_SECONDS: '5' }).warnings).toEqual([
      'SALLYPORT_CLOCK_OFFSET_SECONDS shifts the clock: for tests only',
    ]);
  });

  it('copies what a preset gives', () => {
    const texts: Record<string, string> = { a: 'b' };
    const { settings } = load({}, { preset: { errorTexts: texts } });
    texts['a'] = 'changed';
    expect(settings.errorTexts).toEqual({ a: 'b' });
  });
});

describe('misspelt names', () => {
  it.each([
    ['JWT_SECRT', 'did you mean JWT_SECRET?'],
    ['JWT_SECRETS', 'did you mean JWT_SECRET?'],
    ['jwt_secret', 'did you mean JWT_SECRET?'],
    ['REFRESH_ROTATON', 'did you mean REFRESH_ROTATION?'],
    ['SALLYPORT_ROOT_KEY', 'did you mean SALLYPORT_ROOT_KEYS?'],
    ['SALLYPORT_NONSENSE', 'reserved: remove it'],
    ['GATEWAY_PRT', 'did you mean GATEWAY_PORT?'],
  ])('refuses %s', (name, advice) => {
    expect(problemsOf({ [name]: 'x' }, { knownElsewhere: ['GATEWAY_PORT'] })).toContain(`${name} is not a setting`);
    expect(problemsOf({ [name]: 'x' }, { knownElsewhere: ['GATEWAY_PORT'] })).toContain(advice);
  });

  it('leaves the rest of the environment alone', () => {
    const env = {
      PATH: '/bin',
      HOME: '/',
      POST: '1',
      HOSTNAME: 'a',
      GATEWAY_PORT: '1',
      USER_SERVICE_PORT: 'tcp://10.0.0.1:1',
    };
    expect(problemsOf(env, { knownElsewhere: ['GATEWAY_PORT', 'SALLYPORT_DATA_DIR'] })).toBe('');
  });

  it('leaves the names alone that Kubernetes makes of services', () => {
    const known = { knownElsewhere: ['AUTH_SERVICE_PORT'] };
    expect(problemsOf({ AUTH_SERVICE_HOST: '10.0.0.1', AUTH_PORT_8081_TCP_PORT: '8081' }, known)).toBe('');
    expect(problemsOf({ AUTH_SERVICE_PROT: '1' }, known)).toContain('did you mean AUTH_SERVICE_PORT?');
  });

  it('finds them in .env, settings file and preset too', () => {
    const envFile = write('.env.typo', 'JWT_SECRT=x\n');
    const file = write('typo.json', '{"prot":1}');
    const text = problemsOf({}, { envFile, file, preset: { nonsense: 1 } as never });
    expect(text).toContain('JWT_SECRT is not a setting');
    expect(text).toContain('prot in the settings file is not a setting; did you mean port?');
    expect(text).toContain('nonsense in the preset is not a setting; remove it');
  });
});

describe('one settings file for several servers', () => {
  const sections = { own: 'auth', others: ['gateway'] };
  const members = { cost: 5, auth: { port: 1, cost: 6 }, gateway: { prot: 2 } };

  it('gives each its own section over what is common, and nothing of the others', () => {
    const file = write('sections.json', JSON.stringify(members));
    const { settings, sources } = config.loadSettings(schema, { env: {}, file, sections });
    expect([settings.port, settings.cost, sources.port]).toEqual([1, 6, 'settings file']);
    const other = { own: 'gateway', others: ['auth'] };
    expect(problemsOf({}, { file, sections: other })).toBe(
      'prot in the settings file is not a setting; did you mean port?',
    );
  });

  it('is refused where a section is none, or is nobody’s', () => {
    const bad = write('bad-section.json', JSON.stringify({ auth: [], gatway: {} }));
    const text = problemsOf({}, { file: bad, sections });
    expect(text).toContain('auth in the settings file must be an object');
    expect(text).toContain('gatway in the settings file is not a setting');
    expect(problemsOf({}, { file: write('none.json', JSON.stringify(members)) })).toContain(
      'auth in the settings file',
    );
  });
});

describe('secrets', () => {
  it('are read from the file that _FILE names, without its line end', () => {
    const path = write('jwt-secret', `${strongSecret}\n`);
    expect(load({ JWT_SECRET_FILE: path }).settings.jwtSecret).toBe(strongSecret);
    expect(problemsOf({ JWT_SECRET_FILE: path, JWT_SECRET: `${strongSecret}x` })).toContain('differ');
    expect(problemsOf({ JWT_SECRET_FILE: join(folder, 'absent') })).toMatch(
      /^JWT_SECRET_FILE names the file .*absent, which cannot be read \(ENOENT\)$/,
    );
    expect(problemsOf({ JWT_SECRET_FILE: write('empty', '\n') })).toContain('which is empty');
  });

  it('stand in no message', () => {
    const planted = 'planted-hunter2';
    const env = { JWT_SECRET: planted, SALLYPORT_ROOT_KEYS: planted, DATABASE_URL: `mysql://u:${planted}@h/d` };
    const text = problemsOf(env, { file: write('secrets.json', `{"jwtSecret":"${planted}", broken`) });
    expect(text.split('\n')).toHaveLength(4);
    expect(text).not.toContain(planted);
  });

  it.each([
    'secret',
    'SECRET',
    'changeme',
    'ChangeMe123',
    'your-secret-key',
    'your-256-bit-secret',
    'supersecretsupersecretsupersecret12',
    'your-super-secret-jwt-key-change-in-production',
    'YOUR_SUPER_SECRET_JWT_KEY_CHANGE_IN_PRODUCTION_2024',
    'my-gateway-key-change-me-in-production-please',
    'secretsecretsecretsecretsecretsecret',
    'a-string-secret-at-least-256-bits-long',
    'qwertyuiopasdfghjklzxcvbnm123456',
  ])('refuses the sample secret %s', (sample) => {
    expect(problemsOf({ JWT_SECRET: sample })).toMatch(/^JWT_SECRET is a well-known sample secret; make one with/);
  });

  it('refuses fewer than 32 bytes, counted as UTF-8, and takes 32', () => {
    expect(problemsOf({ JWT_SECRET: strongSecret.slice(1) })).toMatch(/at least 32 bytes/);
    expect(problemsOf({ JWT_SECRET: ` ${strongSecret}` })).toMatch(/white space/);
    expect(load({ JWT_SECRET: 'äöüßéèêôûîç€ñ€€€' }).settings.jwtSecret).toBeDefined();
    expect(load({ JWT_SECRET: strongSecret }).settings.jwtSecret).toBe(strongSecret);
  });

  it('have no default', () => {
    expect(() => config.secretSetting({ env: 'A_SECRET', default: strongSecret, doc: 'x' })).toThrow(/has no default/);
  });
});

describe('key lists', () => {
  const key = (fill: number, bytes = 32) => Buffer.alloc(bytes, fill).toString('base64url');

  it('are read in order, the first being current', () => {
    const { rootKeys } = load({ SALLYPORT_ROOT_KEYS: `k2:${key(2)}, k1:${key(1)}` }).settings;
    expect(rootKeys?.map(({ kid, key: bytes }) => [kid, bytes.length, bytes[0]])).toEqual([
      ['k2', 32, 2],
      ['k1', 32, 1],
    ]);
  });

  it.each([
    [key(1), 'no colon'],
    [`k1:${key(1, 31)}`, 'fewer than 32 bytes'],
    [`k1:${key(1)}=`, 'not base64url'],
    [`k 1:${key(1)}`, 'key id'],
    [`k1:${key(1)},k1:${key(2)}`, 'a key id twice'],
    [`k1:${key(1)},k2:${key(1)}`, 'one key under two ids'],
    [`k1:${key(1)},`, 'no colon'],
  ])('refuse %s', (text, problem) => {
    expect(problemsOf({ SALLYPORT_ROOT_KEYS: text })).toContain(problem);
  });
});

describe('schemas', () => {
  it('refuse a misspelt option, a wrong default, a name used twice, a missing documentation', () => {
    const options = { env: 'A_PORT', default: 1, doc: 'x' };
    expect(() => config.portSetting({ ...options, defualt: 2 } as never)).toThrow(/unknown option/);
    expect(() => config.portSetting({ ...options, default: 70_000 })).toThrow(/default of A_PORT/);
    const port = config.portSetting(options);
    expect(() => config.defineSettings({ a: port, b: port })).toThrow(/used twice: A_PORT/);
    expect(() => config.defineSettings({ a: config.portSetting({ ...options, doc: ' ' }) })).toThrow(
      /no documentation/,
    );
  });

  it('refuse values of the wrong kind', () => {
    expect(problemsOf({ CORS_ALLOWED_ORIGINS: 'http://a.example/,http://b.example' })).toMatch(/exact origins/);
    expect(problemsOf({ CORS_ALLOWED_ORIGINS: 'null' })).toMatch(/exact origins/);
    expect(problemsOf({ CORS_ALLOWED_ORIGINS: 'http://a.example,,http://b.example' })).toMatch(/empty item/);
    expect(problemsOf({ USER_SERVICE_URL: 'http://u:p@localhost' })).toMatch(/must not hold a user/);
    expect(problemsOf({ USER_SERVICE_URL: 'file:///etc/passwd' })).toMatch(/begins with http/);
    expect(problemsOf({}, { file: write('type.json', '{"port":{}}') })).toBe(
      'port in the settings file has a value of the wrong type',
    );
  });
});

describe('generated documentation', () => {
  it('tells names, aliases, kinds, defaults and meaning of every setting', () => {
    const markdown = config.settingsMarkdown(schema);
    expect(markdown).toContain('| `AUTH_PORT`<br>also `PORT` | port | `8081` | Public port. |');
    expect(markdown).toContain('| `JWT_SECRET`<br>`JWT_SECRET_FILE` | secret | none | Shared HS256 secret. |');
    expect(markdown).toContain('`JWT_EXPIRATION_MINUTES` (minutes)');
    expect(markdown).toContain('- `errorTexts`: Texts.');
  });

  it('makes a .env.example that loads once the required ones are filled in', () => {
    const example = config.settingsEnvExample(schema);
    expect(example).toContain('# Public port.\n# Value: port\n# AUTH_PORT=8081\n');
    const everyDefault = example.replace(/^# ([A-Z_]+=.+)$/gm, '$1');
    expect(load({}, { envFile: write('.env.example', everyDefault) }).settings).toEqual(load().settings);
  });
});

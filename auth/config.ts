/**
 * The issuer's settings: one schema for the environment, the settings file, the docs and `.env.example`.
 * A preset is a partial value of it (`presets/`). It reads nothing by itself: `main.ts` hands the environment in.
 */
import { type ErrorTexts, signatureAlgorithms } from '@sallyport/contract';
import type { RouteId, RouteShape } from '@sallyport/contract/routes';
import {
  booleanSetting,
  choiceSetting,
  dataSetting,
  defineSettings,
  durationSetting,
  integerSetting,
  keyListSetting,
  listSetting,
  originsSetting,
  type PresetOf,
  portSetting,
  type SettingProblem,
  type SettingsOf,
  secretSetting,
  textSetting,
} from '@sallyport/kit/config';

export const extraClaims = ['user_id', 'email', 'name', 'role', 'device_id'] as const;
export type ExtraClaim = (typeof extraClaims)[number];

/** Texts of answers that carry a `message`. */
export interface MessageTexts {
  readonly registered: string;
  readonly loggedIn: string;
  readonly refreshed: string;
  readonly loggedOut: string;
  readonly loggedOutEverywhere: string;
  readonly revoked: string;
  readonly sessionEnded: string;
  readonly otherSessionsEnded: string;
  readonly passwordChanged: string;
  readonly accountDeleted: string;
}

const defaultMessages: MessageTexts = {
  registered: 'User registered successfully',
  loggedIn: 'Login successful',
  refreshed: 'Token refreshed successfully',
  loggedOut: 'Logged out successfully',
  loggedOutEverywhere: 'logged out from all devices',
  revoked: 'Token revoked successfully',
  sessionEnded: 'Session ended',
  otherSessionsEnded: 'Other sessions ended',
  passwordChanged: 'Password changed successfully',
  accountDeleted: 'Account deleted successfully',
};

const isObject = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'must be an object';

const decimal = (largest: number) => (keys: readonly { readonly kid: string }[] | undefined) =>
  (keys ?? []).every(({ kid }) => String(Number(kid)) === kid && Number(kid) <= largest)
    ? undefined
    : `holds a key id that is not a number from 0 to ${largest}`;

const sqliteUrl = (url: string): string | undefined => {
  if (url.startsWith('sqlite:')) return undefined;
  return 'must begin with sqlite: (this version has no other store yet)';
};

const notYet = (env: string, what: string, aliases: readonly string[] = []) =>
  textSetting({
    env,
    aliases,
    optional: true,
    doc: `${what}. Not served by this version: setting it refuses the start.`,
    check: () => 'is not served by this version yet: remove it',
  });

export const authSettings = defineSettings({
  preset: choiceSetting({
    env: 'SALLYPORT_PRESET',
    values: ['microservices', 'cookie-spa'],
    optional: true,
    doc: 'Named configuration that stands below everything else that is set.',
  }),
  serviceName: textSetting({
    env: 'AUTH_SERVICE_NAME',
    default: 'auth-service',
    doc: 'Name in `/health`, logs and metrics.',
  }),
  environmentLabel: textSetting({ env: 'ENVIRONMENT', optional: true, doc: 'A label for logs; it switches nothing.' }),
  host: listSetting({
    env: 'HOST',
    optional: true,
    doc: 'Addresses of the public listener. Default: both loopbacks, 127.0.0.1 and ::1.',
  }),
  port: portSetting({ env: 'AUTH_PORT', aliases: ['PORT', 'AUTH_SERVICE_PORT'], default: 8081, doc: 'Public port.' }),
  privatePort: portSetting({
    env: 'AUTH_PRIVATE_PORT',
    optional: true,
    doc: 'Port of the private listener (metrics, readiness details), on the loopbacks. Default: public port + 1000.',
  }),
  portOffset: integerSetting({
    env: 'SALLYPORT_PORT_OFFSET',
    min: 0,
    max: 50_000,
    default: 0,
    doc: 'Added to every port.',
  }),
  dataDir: textSetting({ env: 'SALLYPORT_DATA_DIR', default: 'data', doc: 'Folder of all state.' }),
  databaseUrl: textSetting({
    env: 'DATABASE_URL',
    optional: true,
    secret: true,
    check: sqliteUrl,
    doc: 'The store: `sqlite:<path>`. Default: `sallyport.db` in the data folder.',
  }),
  basePath: textSetting({
    env: 'AUTH_BASE_PATH',
    default: '/auth',
    pattern: /^(?:\/[A-Za-z0-9_-]+)*$/,
    doc: 'Path below which the issuer answers; may be empty in a preset.',
  }),
  issuer: textSetting({
    env: 'JWT_ISSUER',
    aliases: ['AUTH_JWT_ISSUER'],
    default: 'sallyport',
    doc: '`iss` of access tokens.',
  }),
  audience: textSetting({ env: 'JWT_AUDIENCE', default: 'sallyport', doc: '`aud` of access tokens.' }),
  clientId: textSetting({
    env: 'JWT_CLIENT_ID',
    default: 'default',
    doc: '`client_id` of access tokens (RFC 9068 §2.2).',
  }),
  jwtAlgorithm: choiceSetting({
    env: 'JWT_ALGORITHM',
    values: signatureAlgorithms,
    default: 'ES256',
    doc: 'Signature of access tokens.',
  }),
  jwtSecret: secretSetting({
    env: 'JWT_SECRET',
    aliases: ['JWT_SECRET_KEY'],
    optional: true,
    doc: 'Key of HS256; issuer and gateway only.',
  }),
  jwtSecretPrevious: secretSetting({
    env: 'JWT_SECRET_PREVIOUS',
    optional: true,
    doc: 'The HS256 key before this one: still verifies, never signs.',
  }),
  jwtPrivateKeyPath: textSetting({
    env: 'JWT_PRIVATE_KEY_PATH',
    optional: true,
    doc: 'Private key as PEM (PKCS#1 or PKCS#8). Default: a key of the ring, made and sealed in the store.',
  }),
  jwtPrivateKey: textSetting({
    env: 'JWT_PRIVATE_KEY',
    optional: true,
    secret: true,
    maxLength: 16_384,
    doc: 'The same, the PEM itself with `\\n` for line ends.',
  }),
  jwtPublicKeyPath: textSetting({
    env: 'JWT_PUBLIC_KEY_PATH',
    optional: true,
    doc: 'Public key as PEM. The issuer checks that it belongs to the private key.',
  }),
  accessTokenTtlSeconds: durationSetting({
    env: 'ACCESS_TOKEN_TTL_SECONDS',
    unit: 'seconds',
    min: 5,
    max: 86_400,
    aliases: [
      { env: 'ACCESS_TOKEN_EXPIRY', unit: 'seconds' },
      { env: 'JWT_EXPIRATION_MINUTES', unit: 'minutes' },
      { env: 'AUTH_ACCESS_TOKEN_TTL_MINUTES', unit: 'minutes' },
    ],
    default: 900,
    doc: 'Lifetime of an access token.',
  }),
  refreshTokenTtlSeconds: durationSetting({
    env: 'REFRESH_TOKEN_TTL_SECONDS',
    unit: 'seconds',
    min: 5,
    aliases: [
      { env: 'REFRESH_TOKEN_EXPIRY', unit: 'seconds' },
      { env: 'JWT_REFRESH_EXPIRATION_DAYS', unit: 'days' },
      { env: 'AUTH_REFRESH_TOKEN_TTL_HOURS', unit: 'hours' },
    ],
    default: 604_800,
    doc: 'Lifetime of a refresh token: idle time with rotation, from login without.',
  }),
  sessionMaxTtlSeconds: durationSetting({
    env: 'SESSION_MAX_TTL_SECONDS',
    unit: 'seconds',
    min: 5,
    default: 7_776_000,
    doc: 'Longest life of a session, however often it is refreshed.',
  }),
  refreshRotation: booleanSetting({
    env: 'REFRESH_ROTATION',
    aliases: ['JWT_REFRESH_ROTATION_ENABLED'],
    default: true,
    doc: 'A refresh token is replaced at each use.',
  }),
  refreshOverlapSeconds: durationSetting({
    env: 'REFRESH_OVERLAP_SECONDS',
    unit: 'seconds',
    max: 300,
    default: 10,
    doc: 'How long the token before the current one still gets the same successor. 0: reuse at once.',
  }),
  refreshAhead: choiceSetting({
    env: 'REFRESH_AHEAD',
    values: ['adopt', 'refuse'],
    default: 'adopt',
    doc: 'A genuine token one generation ahead of the store, which lost a write: go on with it, or refuse it.',
  }),
  sessionsPerUser: integerSetting({
    env: 'SESSIONS_PER_USER',
    min: 0,
    max: 10_000,
    default: 100,
    doc: 'Live sessions of a user; a further login ends the oldest. 0: no limit.',
  }),
  sessionsPerDevice: integerSetting({
    env: 'SESSIONS_PER_DEVICE',
    min: 0,
    max: 100,
    default: 1,
    doc: 'Live sessions of a registered device. 0: no limit.',
  }),
  rootKeys: keyListSetting({
    env: 'SALLYPORT_ROOT_KEYS',
    kid: /^\d{1,5}$/,
    check: decimal(65_535),
    doc: 'Root of refresh tokens, sealed values and the feed; issuer only. Ids are numbers up to 65535.',
  }),
  csrfKeys: keyListSetting({
    env: 'CSRF_KEYS',
    kid: /^\d{1,3}$/,
    check: decimal(255),
    doc: 'Keys of CSRF tokens; issuer and gateway. Ids are numbers up to 255.',
  }),
  refreshSecret: secretSetting({
    env: 'REFRESH_SECRET',
    optional: true,
    doc: 'Keys the stored hash of refresh tokens and enters their MAC.',
  }),
  assertionKeys: keyListSetting({
    env: 'GATEWAY_ASSERTION_KEYS',
    optional: true,
    doc: "This service's keys for the gateway's assertions; with them the client's address is taken from a valid one.",
  }),
  passwordHash: choiceSetting({
    env: 'PASSWORD_HASH',
    values: ['argon2id', 'bcrypt'],
    default: 'argon2id',
    doc: 'How passwords are hashed. A login with an older hash replaces it.',
  }),
  bcryptCost: integerSetting({ env: 'BCRYPT_COST', min: 10, max: 16, default: 12, doc: 'Cost of bcrypt.' }),
  passwordMinLength: integerSetting({
    env: 'PASSWORD_MIN_LENGTH',
    min: 8,
    max: 64,
    default: 8,
    doc: 'Fewest characters of a password (code points, after NFKC).',
  }),
  hashQueueLength: integerSetting({
    env: 'HASH_QUEUE_LENGTH',
    min: 1,
    max: 10_000,
    default: 200,
    doc: 'Logins that may wait for a hash; beyond, 503 with Retry-After.',
  }),
  hashQueueWaitSeconds: durationSetting({
    env: 'HASH_QUEUE_WAIT_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 300,
    default: 30,
    doc: 'Longest wait for a hash; beyond, 503 with Retry-After.',
  }),
  loginLimitPerMinute: integerSetting({
    env: 'LOGIN_LIMIT_PER_MINUTE',
    min: 0,
    max: 1000,
    default: 10,
    doc: 'Wrong passwords per account and minute. 0: no limit, neither per account nor per address.',
  }),
  loginLimitPerAddress: integerSetting({
    env: 'LOGIN_LIMIT_PER_ADDRESS_PER_MINUTE',
    min: 0,
    max: 1000,
    default: 60,
    doc: 'Wrong passwords per client address (IPv6: /64) and minute. 0: no limit.',
  }),
  lockout: booleanSetting({
    env: 'LOCKOUT',
    default: true,
    doc: 'Ten wrong passwords in a row lock the account for new logins for 15 minutes, as many again for twice as long, at most a day. Live sessions go on.',
  }),
  revealDisabled: booleanSetting({
    env: 'REVEAL_DISABLED_ACCOUNTS',
    default: false,
    doc: 'A right password of a disabled account is answered with 403 instead of the generic 401.',
  }),
  corsOrigins: originsSetting({
    env: 'CORS_ORIGINS',
    default: [],
    doc: 'Origins that pages may call from, with credentials.',
  }),
  cookieSecure: booleanSetting({
    env: 'COOKIE_SECURE',
    default: true,
    insecure: (secure) => (secure ? undefined : 'is off: cookies travel over plain HTTP'),
    doc: 'Cookies carry Secure.',
  }),
  refreshTransport: choiceSetting({
    env: 'REFRESH_TRANSPORT',
    values: ['body', 'cookie', 'both'],
    default: 'body',
    doc: 'Where the refresh token travels: in the JSON body, in an HttpOnly cookie, or in either.',
  }),
  refreshCookie: textSetting({
    env: 'REFRESH_COOKIE_NAME',
    default: '__Host-refresh_token',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    doc: 'Name of that cookie.',
  }),
  refreshCookiePath: textSetting({
    env: 'REFRESH_COOKIE_PATH',
    default: '/',
    pattern: /^\/[A-Za-z0-9/_-]*$/,
    doc: 'Path of that cookie. A name that begins with `__Host-` needs `/`.',
  }),
  csrfCookie: textSetting({
    env: 'CSRF_COOKIE_NAME',
    default: '__Host-csrf_token',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    doc: 'Name of the cookie that carries the CSRF token.',
  }),
  csrfCookieTtlSeconds: durationSetting({
    env: 'CSRF_COOKIE_TTL_SECONDS',
    unit: 'seconds',
    min: 60,
    default: 604_800,
    doc: 'Max-Age of that cookie; it is renewed with each refresh.',
  }),
  logLevel: choiceSetting({
    env: 'LOG_LEVEL',
    values: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Least level that is logged.',
  }),
  clockLeewaySeconds: durationSetting({
    env: 'CLOCK_LEEWAY_SECONDS',
    unit: 'seconds',
    max: 300,
    default: 30,
    doc: 'How far clocks may be apart.',
  }),
  clockOffsetSeconds: integerSetting({
    env: 'SALLYPORT_CLOCK_OFFSET_SECONDS',
    min: -31_536_000,
    max: 31_536_000,
    default: 0,
    insecure: (seconds) => (seconds === 0 ? undefined : 'is set: the clock is wrong on purpose (for tests)'),
    doc: "Moves this server's clock; for tests.",
  }),
  shape: dataSetting<RouteShape>({
    default: {
      identifier: 'email',
      requiredFields: [],
      optionalFields: ['name', 'first_name', 'last_name', 'display_name', 'phone_number'],
    },
    check: isObject,
    doc: 'Login identifier and fields of a registration.',
  }),
  registrationIssuesTokens: booleanSetting({
    env: 'REGISTRATION_ISSUES_TOKENS',
    default: false,
    doc: 'A registration is a login at once.',
  }),
  claims: listSetting({
    env: 'ACCESS_TOKEN_CLAIMS',
    item: new RegExp(`^(?:${extraClaims.join('|')})$`),
    default: ['email', 'name'],
    doc: `Claims beside the standard ones: ${extraClaims.join(', ')}.`,
  }),
  errorTexts: dataSetting<ErrorTexts>({
    default: {},
    check: isObject,
    doc: "The contract's literal `error` and `hint` texts by code.",
  }),
  routeErrorTexts: dataSetting<Readonly<Partial<Record<RouteId, ErrorTexts>>>>({
    default: {},
    check: isObject,
    doc: 'The same for single routes, over `errorTexts`.',
  }),
  messageTexts: dataSetting<MessageTexts>({
    default: defaultMessages,
    check: isObject,
    doc: "The contract's literal `message` texts.",
  }),
  redisUrl: notYet('REDIS_URL', 'Redis for sessions and counters', ['REDIS_ADDR']),
  auditDatabaseUrl: notYet('AUDIT_DATABASE_URL', 'A store of its own for the audit'),
  kafkaBrokers: notYet('KAFKA_BROKERS', 'Kafka for events'),
  databaseDsn: notYet('DB_DSN', 'PostgreSQL as a DSN', ['AUTH_DB_CONNECTION_STRING']),
});

export type AuthSettings = SettingsOf<typeof authSettings>;
export type AuthPreset = PresetOf<typeof authSettings>;

/** Rules across settings. */
export const checkAuthSettings = (settings: AuthSettings): readonly SettingProblem[] => {
  const problems: SettingProblem[] = [];
  if (settings.jwtAlgorithm === 'HS256' && settings.jwtSecret === undefined) {
    problems.push({ setting: 'JWT_SECRET', problem: 'is required' });
  }
  if (settings.jwtPrivateKey !== undefined && settings.jwtPrivateKeyPath !== undefined) {
    problems.push({ setting: 'JWT_PRIVATE_KEY', problem: 'and JWT_PRIVATE_KEY_PATH are both set: remove one' });
  }
  if (settings.sessionMaxTtlSeconds < settings.refreshTokenTtlSeconds) {
    problems.push({ setting: 'SESSION_MAX_TTL_SECONDS', problem: 'is shorter than REFRESH_TOKEN_TTL_SECONDS' });
  }
  if (settings.refreshTransport !== 'body' && settings.refreshCookie.startsWith('__Host-')) {
    // RFC 6265bis §4.1.3.2: such a cookie is Secure, has the path / and no domain, or browsers drop it.
    if (settings.refreshCookiePath !== '/')
      problems.push({
        setting: 'REFRESH_COOKIE_PATH',
        problem: 'must be / for a cookie name that begins with __Host-',
      });
    if (!settings.cookieSecure)
      problems.push({
        setting: 'REFRESH_COOKIE_NAME',
        problem: 'begins with __Host-, which browsers accept only with COOKIE_SECURE=on',
      });
  }
  if (settings.csrfCookie.startsWith('__Host-') && !settings.cookieSecure) {
    problems.push({
      setting: 'CSRF_COOKIE_NAME',
      problem: 'begins with __Host-, which browsers accept only with COOKIE_SECURE=on',
    });
  }
  return problems;
};

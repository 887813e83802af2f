/** Access tokens, refresh tokens, sessions, and the keys behind them. */
import { signatureAlgorithms } from '@sallyport/contract';
import {
  booleanSetting,
  choiceSetting,
  dataSetting,
  durationSetting,
  integerSetting,
  keyListSetting,
  listSetting,
  secretSetting,
  textSetting,
} from '@sallyport/kit/config';

export const extraClaims = ['user_id', 'email', 'name', 'preferred_username', 'role', 'device_id'] as const;
export type ExtraClaim = (typeof extraClaims)[number];

const decimal = (largest: number) => (keys: readonly { readonly kid: string }[] | undefined) =>
  (keys ?? []).every(({ kid }) => String(Number(kid)) === kid && Number(kid) <= largest)
    ? undefined
    : `holds a key id that is not a number from 0 to ${largest}`;

export const tokensSettings = {
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
    doc: 'The HS256 key before this one, or before the change to another algorithm, or the one to come: verifies, never signs (docs/keys.md).',
  }),
  jwtPrivateKeyPath: textSetting({
    env: 'JWT_PRIVATE_KEY_PATH',
    optional: true,
    doc: 'Private key as PEM (PKCS#1 or PKCS#8). Default: a key of the ring, made and sealed in the store.',
  }),
  defaultPrivateKeyPath: dataSetting<string | undefined>({
    default: undefined,
    check: (value) => (value === undefined || typeof value === 'string' ? undefined : 'must be a path'),
    doc: 'Where the private key is where neither setting names one. Default: a key of the ring.',
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
  keyRotationSeconds: durationSetting({
    env: 'KEY_ROTATION_SECONDS',
    unit: 'seconds',
    default: 2_592_000,
    doc: 'How long a key of the ring signs before the next one does. 0: until `sallyport keys rotate`. A key from a file or from the environment is rotated by its owner.',
  }),
  keyVerifySeconds: durationSetting({
    env: 'KEY_VERIFY_SECONDS',
    unit: 'seconds',
    default: 2_592_000,
    doc: 'How long a key of the ring is still published and verifies after it has ceased to sign.',
  }),
  jwksMaxAgeSeconds: durationSetting({
    env: 'JWKS_MAX_AGE_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 86_400,
    default: 300,
    doc: 'How long verifiers and caches may keep the published keys. A next key is published twice as long before it signs.',
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
  claims: listSetting({
    env: 'ACCESS_TOKEN_CLAIMS',
    item: new RegExp(`^(?:${extraClaims.join('|')})$`),
    default: ['email', 'name'],
    doc: `Claims beside the standard ones: ${extraClaims.join(', ')}.`,
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
    aliases: [{ env: 'SESSION_EXPIRATION', unit: 'seconds' }],
    default: 7_776_000,
    doc: 'Longest life of a session, however often it is refreshed. With rotation it is at least REFRESH_TOKEN_TTL_SECONDS; without, the sooner of the two ends it.',
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
  revocationMaxEntries: integerSetting({
    env: 'REVOCATION_MAX_ENTRIES',
    min: 10,
    max: 10_000_000,
    default: 100_000,
    doc: 'Entries that every verifier holds. Beyond, ended sessions of users with the most fold into one entry each, and their other sessions refresh once.',
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
  refreshSecretPrevious: secretSetting({
    env: 'REFRESH_SECRET_PREVIOUS',
    optional: true,
    doc: 'The REFRESH_SECRET before this one, or the one to come: its tokens are accepted, and none are made with it (docs/keys.md).',
  }),
  assertionKeys: keyListSetting({
    env: 'GATEWAY_ASSERTION_KEYS',
    optional: true,
    doc: "This service's keys for the gateway's assertions; with them the client's address is taken from a valid one.",
  }),
};

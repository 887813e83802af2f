/** What passwords must be, how they are hashed and guessed at. */
import {
  booleanSetting,
  choiceSetting,
  durationSetting,
  integerSetting,
  textSetting,
  urlSetting,
} from '@sallyport/kit/config';

export const passwordsSettings = {
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
  passwordMinScore: integerSetting({
    env: 'PASSWORD_MIN_SCORE',
    min: 0,
    max: 4,
    default: 3,
    doc: 'Least strength of a new password on the scale of zxcvbn (estimated guesses: 10^3, 10^6, 10^8, 10^10). 0: not asked.',
  }),
  passwordRefuseCommon: booleanSetting({
    env: 'PASSWORD_REFUSE_COMMON',
    default: true,
    doc: 'Refuses the 49,233 most used passwords and simple variants of them (offline list).',
  }),
  passwordRefusePersonal: booleanSetting({
    env: 'PASSWORD_REFUSE_PERSONAL',
    default: true,
    doc: "Refuses passwords that consist of the person's names, e-mail or user name, or the service's name.",
  }),
  passwordBreachUrl: urlSetting({
    env: 'PASSWORD_BREACH_URL',
    optional: true,
    check: (url) => (/[?#]/.test(url) ? 'must not hold a query or a fragment' : undefined),
    insecure: (url) =>
      url?.startsWith('http:')
        ? 'is plain HTTP: anybody on the way can answer, and learns a part of the hash'
        : undefined,
    doc: 'Refuses passwords known from data breaches: a server with the range form of the Pwned Passwords API, for example `https://api.pwnedpasswords.com/range/`. Five hex digits of the SHA-1 are sent.',
  }),
  passwordBreachFile: textSetting({
    env: 'PASSWORD_BREACH_FILE',
    optional: true,
    doc: 'The same from a local file: `SHA1:COUNT` lines sorted by hash, as the official downloader writes them. It is searched, not loaded.',
  }),
  passwordBreachFail: choiceSetting({
    env: 'PASSWORD_BREACH_FAIL',
    values: ['closed', 'open'],
    default: 'closed',
    doc: 'When that server or file cannot answer: `closed` = 503 with Retry-After, `open` = the password is accepted, counted and logged.',
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
  registrationLimitPerHour: integerSetting({
    env: 'REGISTRATION_LIMIT_PER_HOUR',
    min: 0,
    max: 10_000,
    default: 500,
    doc: 'New accounts, and tries at taken names, from one client address (IPv6: /64) in any hour; beyond, 429 with Retry-After. 0: no limit.',
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
};

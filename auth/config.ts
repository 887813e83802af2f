/**
 * The issuer's settings: one schema for the environment, the settings file, the docs and `.env.example`; its parts stand in
 * `settings/`. A preset is a partial value of it (`presets/`). It reads nothing by itself: `main.ts` hands the environment in.
 */
import { defineSettings, type PresetOf, type SettingProblem, type SettingsOf } from '@sallyport/kit/config';
import { tlsProblems } from '@sallyport/kit/tls-certificate';
import { redisProblems } from '@sallyport/storage/redis/settings';
import { adminProblems, adminSettings } from './settings/admin.ts';
import { auditProblems, auditSettings } from './settings/audit.ts';
import { browserSettings } from './settings/browser.ts';
import { contractSettings } from './settings/contract.ts';
import { databaseProblems, databaseSettings } from './settings/database.ts';
import { devicesSettings } from './settings/devices.ts';
import { eventsProblems, eventsSettings } from './settings/events.ts';
import { kafkaProblems, kafkaSettings } from './settings/kafka.ts';
import { passwordsSettings } from './settings/passwords.ts';
import { retentionSettings } from './settings/retention.ts';
import { serverSettings } from './settings/server.ts';
import { privateTlsFiles, publicTlsFiles, tlsSettings } from './settings/tls.ts';
import { tokensSettings } from './settings/tokens.ts';
import { tracingSettings } from './settings/tracing.ts';

export type { ExtraClaim } from './settings/tokens.ts';

export const authSettings = defineSettings({
  ...serverSettings,
  ...tlsSettings,
  ...tracingSettings,
  ...databaseSettings,
  ...adminSettings,
  ...auditSettings,
  ...tokensSettings,
  ...passwordsSettings,
  ...retentionSettings,
  ...eventsSettings,
  ...kafkaSettings,
  ...browserSettings,
  ...devicesSettings,
  ...contractSettings,
});

export type AuthSettings = SettingsOf<typeof authSettings>;
export type AuthPreset = PresetOf<typeof authSettings>;

/** Rules across settings. */
export const checkAuthSettings = (settings: AuthSettings): readonly SettingProblem[] => {
  const problems: SettingProblem[] = [
    ...tlsProblems(publicTlsFiles(settings)),
    ...tlsProblems(privateTlsFiles(settings)),
    ...databaseProblems(settings),
    ...redisProblems(settings),
    ...adminProblems(settings),
    ...auditProblems(settings),
    ...eventsProblems(settings),
    ...kafkaProblems(settings),
  ];
  if (settings.jwtAlgorithm === 'HS256' && settings.jwtSecret === undefined) {
    problems.push({ setting: 'JWT_SECRET', problem: 'is required' });
  }
  if (settings.jwtPrivateKey !== undefined && settings.jwtPrivateKeyPath !== undefined) {
    problems.push({ setting: 'JWT_PRIVATE_KEY', problem: 'and JWT_PRIVATE_KEY_PATH are both set: remove one' });
  }
  const ownKey = settings.jwtPrivateKey ?? settings.jwtPrivateKeyPath;
  if (settings.jwtAlgorithm !== 'HS256' && settings.jwtPublicKeyPath !== undefined && ownKey === undefined) {
    // The ring would sign, and whoever verifies with the file would refuse every token.
    problems.push({
      setting: 'JWT_PUBLIC_KEY_PATH',
      problem: 'is set without JWT_PRIVATE_KEY_PATH: set that as well, or remove it to sign with a key of the ring',
    });
  }
  problems.push(...keyProblems(settings));
  if (settings.passwordBreachUrl !== undefined && settings.passwordBreachFile !== undefined) {
    problems.push({ setting: 'PASSWORD_BREACH_URL', problem: 'and PASSWORD_BREACH_FILE are both set: remove one' });
  }
  if (settings.refreshRotation && settings.sessionMaxTtlSeconds < settings.refreshTokenTtlSeconds) {
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

/** More retired keys than this at a time, and verifiers would refuse the whole set (verify/keys/fixed-keys.ts). */
const mostRetiredKeys = 30;

const keyProblems = (settings: AuthSettings): readonly SettingProblem[] => {
  const { keyRotationSeconds: period, keyVerifySeconds: verify, jwksMaxAgeSeconds: maxAge } = settings;
  const problems: SettingProblem[] = [];
  // Whoever has not read the ring yet signs with the key before for a second more.
  if (verify < settings.accessTokenTtlSeconds + slowestNodeSeconds) {
    const problem = `is shorter than ACCESS_TOKEN_TTL_SECONDS and ${slowestNodeSeconds} seconds: tokens would outlive their key`;
    problems.push({ setting: 'KEY_VERIFY_SECONDS', problem });
  }
  if (period > 0 && period <= 2 * maxAge) {
    problems.push({
      setting: 'KEY_ROTATION_SECONDS',
      problem: 'is not longer than twice JWKS_MAX_AGE_SECONDS, for which a next key is published before it signs',
    });
  }
  if (period > 0 && verify > mostRetiredKeys * period) {
    const problem = `is more than ${mostRetiredKeys} times KEY_ROTATION_SECONDS: too many keys would be published`;
    problems.push({ setting: 'KEY_VERIFY_SECONDS', problem });
  }
  return problems;
};

/** A node reads the ring once a second; one that was paused or cut off from its store is given longer. */
const slowestNodeSeconds = 5;

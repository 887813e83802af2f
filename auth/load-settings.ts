import { type LoadedSettings, loadSettings, SettingsError, startNames } from '@sallyport/kit/config';
import type { ServerInput } from '@sallyport/kit/lifecycle';
import { authSettings, checkAuthSettings } from './config.ts';
import { presets } from './presets/index.ts';

/** Names of the other servers that one environment may serve as well. */
const gatewayNames = [
  'SALLYPORT_CONFIG_FILE',
  'SALLYPORT_REQUIRE_SERVICES',
  'GATEWAY_SECRET',
  'GATEWAY_MASTER_KEYS',
  'GATEWAY_PORT',
  'GATEWAY_PRIVATE_PORT',
  'GATEWAY_WORKERS',
  'AUTH_SERVICE_URL',
  'USER_SERVICE_URL',
  'PAYMENT_SERVICE_URL',
  'NOTIFICATION_SERVICE_URL',
  'BACKEND_SERVICE_URL',
  'PROFILE_SERVICE_URL',
  'FLOOD_LIMIT_PER_MINUTE',
  'FLOOD_LIMIT_BURST',
  'TRUSTED_PROXIES',
  'REVOCATION_FEED',
  'REVOCATION_FEED_URL',
  'REVOCATION_FEED_TOKEN',
  'REVOCATION_BOUND_SECONDS',
  'REVOCATION_MAX_STALENESS_SECONDS',
] as const;

/** Reads the issuer's settings; the preset's name is itself a setting. Throws SettingsError with all problems. */
export const loadAuthSettings = ({
  env,
  envFile,
}: Partial<ServerInput> & Pick<ServerInput, 'env'>): LoadedSettings<typeof authSettings> => {
  const given = startNames(env, envFile);
  const name = given('SALLYPORT_PRESET');
  const preset = name === undefined || name === '' ? undefined : presets[name];
  if (name && preset === undefined) {
    throw new SettingsError([
      { setting: 'SALLYPORT_PRESET', problem: `must be one of ${Object.keys(presets).join(', ')}` },
    ]);
  }
  const file = given('SALLYPORT_CONFIG_FILE');
  return loadSettings(authSettings, {
    env,
    ...(envFile !== undefined && { envFile }),
    ...(file && { file }),
    ...(preset && { preset }),
    sections: { own: 'auth', others: ['gateway'] },
    knownElsewhere: gatewayNames,
    check: checkAuthSettings,
  });
};

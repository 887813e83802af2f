import {
  type LoadedSettings,
  loadSettings,
  type SettingProblem,
  SettingsError,
  startNames,
} from '@sallyport/kit/config';
import type { ServerInput } from '@sallyport/kit/lifecycle';
import { type GatewaySettings, gatewaySettings } from './config.ts';
import { presets } from './presets/index.ts';

/** Names of the other servers that one environment may serve as well. */
const namesElsewhere = [
  'SALLYPORT_CONFIG_FILE',
  'SALLYPORT_REQUIRE_SERVICES',
  'SALLYPORT_DATA_DIR',
  'SALLYPORT_ROOT_KEYS',
  'SALLYPORT_ROOT_KEYS_FILE',
  'GATEWAY_ASSERTION_KEYS',
  'GATEWAY_ASSERTION_KEYS_FILE',
  'AUTH_PORT',
  'AUTH_PRIVATE_PORT',
  'AUTH_SERVICE_NAME',
  'JWT_CLIENT_ID',
  'JWT_PRIVATE_KEY',
  'JWT_PRIVATE_KEY_PATH',
  'REFRESH_SECRET',
  'REFRESH_SECRET_PREVIOUS',
  'REVOCATION_MAX_ENTRIES',
  'CSRF_COOKIE_TTL_SECONDS',
  'DATABASE_URL',
] as const;

/**
 * Reads the gateway's settings; the preset's name is itself a setting. Throws SettingsError with all problems.
 * @param check rules across settings, `checkGatewaySettings`
 */
export const loadGatewaySettings = (
  { env, envFile }: Partial<ServerInput> & Pick<ServerInput, 'env'>,
  check: (settings: GatewaySettings) => readonly SettingProblem[],
): LoadedSettings<typeof gatewaySettings> => {
  const given = startNames(env, envFile);
  const name = given('SALLYPORT_PRESET');
  const preset = name ? presets[name] : undefined;
  if (name && preset === undefined) {
    throw new SettingsError([
      { setting: 'SALLYPORT_PRESET', problem: `must be one of ${Object.keys(presets).join(', ')}` },
    ]);
  }
  const file = given('SALLYPORT_CONFIG_FILE');
  return loadSettings(gatewaySettings, {
    env,
    ...(envFile !== undefined && { envFile }),
    ...(file && { file }),
    ...(preset && { preset }),
    sections: { own: 'gateway', others: ['auth'] },
    knownElsewhere: namesElsewhere,
    check,
  });
};

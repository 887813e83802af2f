/**
 * What the command line may ask of the gateway without a server: its settings, and the keys of its services.
 * Never: opens a listener, or writes anything.
 */
import { encode } from '@sallyport/kit/base64url';
import { type NamedKey, SettingsError, settingRequired } from '@sallyport/kit/config';
import type { ServerInput } from '@sallyport/kit/lifecycle';
import { assertionKey } from '@sallyport/verify';
import type { GatewaySettings } from './config.ts';
import { loadGatewaySettings } from './load-settings.ts';

export { type GatewaySettings, gatewaySettings } from './config.ts';
export { presets as gatewayPresets } from './presets/index.ts';

/** What `gatewayKey` needs; the settings of a whole gateway fit. */
export type GatewayKeySettings = Pick<GatewaySettings, 'masterKeys' | 'services'>;

/** The settings as far as keys need them: no other secret has to be there. Throws `SettingsError`. */
export const gatewayKeySettings = (input: Partial<ServerInput> & Pick<ServerInput, 'env'>): GatewayKeySettings =>
  loadGatewaySettings(input, () => []).settings;

/** The GATEWAY_ASSERTION_KEYS of any service id: `kid:base64url, …`, first = current. */
export const assertionKeysText = (service: string, masterKeys: readonly NamedKey[]): string =>
  masterKeys.map(({ kid, key }) => `${kid}:${encode(assertionKey(key, service))}`).join(', ');

/**
 * What a service gets as its GATEWAY_ASSERTION_KEYS.
 * @throws SettingsError without GATEWAY_MASTER_KEYS, or for a service that no setting names
 */
export const gatewayKey = (service: string, { masterKeys, services }: GatewayKeySettings): string => {
  if (masterKeys === undefined) throw new SettingsError([settingRequired('GATEWAY_MASTER_KEYS')]);
  const ids = services.map(({ id }) => id);
  // A preset that lists no service leaves the id to the operator.
  if (ids.length > 0 && !ids.includes(service)) {
    throw new SettingsError([{ setting: 'service', problem: `must be one of ${ids.join(', ')}` }]);
  }
  return assertionKeysText(service, masterKeys);
};

/**
 * What services are told about the caller: the claims of the assertion and the readable headers, made once for a token and a
 * service, and the keys that sign them. Never: judges a token, or uses one service's key for another.
 */
import { type AssertionSigner, assertionKey, createAssertionSigner } from '@sallyport/verify';
import type { GatewaySettings } from '../config.ts';

/** One signer a service, each with a key of its own, under the current master. */
export const assertionSigners = ({
  masterKeys = [],
  services,
}: Pick<GatewaySettings, 'masterKeys' | 'services'>): ReadonlyMap<string, AssertionSigner> => {
  const [current] = masterKeys;
  if (current === undefined) throw new TypeError('GATEWAY_MASTER_KEYS is required');
  const { kid, key } = current;
  return new Map(services.map(({ id }) => [id, createAssertionSigner({ kid, key: assertionKey(key, id) })]));
};

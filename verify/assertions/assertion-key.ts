import { hkdfSync } from 'node:crypto';
import { assertionKeyInfo } from '@sallyport/contract';

/**
 * The key that the gateway signs one service's assertions with: HKDF-SHA-256(master, no salt, info 'sallyport/assertion/1' ‖
 * service id), 32 bytes. A service holds its own key only, so one that is broken into can mint for nobody else.
 * @param masterKey at least 32 bytes
 */
export const assertionKey = (masterKey: Uint8Array, serviceId: string): Buffer => {
  if (masterKey.byteLength < 32) throw new TypeError('A gateway master key has at least 32 bytes');
  if (serviceId === '') throw new TypeError('The service id is empty');
  return Buffer.from(hkdfSync('sha256', masterKey, new Uint8Array(0), assertionKeyInfo + serviceId, 32));
};

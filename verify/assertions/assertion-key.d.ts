/**
 * The key that the gateway signs one service's assertions with: HKDF-SHA-256(master, no salt, info 'sallyport/assertion/1' ‖
 * service id), 32 bytes. A service holds its own key only, so one that is broken into can mint for nobody else.
 * @param masterKey at least 32 bytes
 */
export declare const assertionKey: (masterKey: Uint8Array, serviceId: string) => Buffer;

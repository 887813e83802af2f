/**
 * @sallyport/client: keeps a browser's or a Node program's session alive. It refreshes in time, shares one refresh among callers and
 * tabs, and takes nothing but the issuer's word for a logout. It has no dependency and never logs a token. The proof key has an entry of its
 * own, `@sallyport/client/proof-key`: who has none does not pay for it.
 */
export { type ApiClient, type ApiClientOptions, createApiClient } from './api-client.ts';
export { type CookieStoreOptions, cookieStore } from './cookie-store.ts';
export { type Credentials, createDevices, type DeviceCurve, type Devices, type DevicesOptions } from './device.ts';
export { type DeviceStore, indexedDbDeviceStore, memoryDeviceStore, type StoredDevice } from './device-store.ts';
export { ApiError, NetworkError, SignedOutError } from './errors.ts';
export type { KeyValueStorage } from './key-value-storage.ts';
export { localStorageStore } from './local-storage-store.ts';
export type { ProofKey, ProofKeyStore, ProofRequest } from './proof-key.ts';
export type { SessionState } from './session-state.ts';
export type { SignedOutCause } from './signed-out-cause.ts';
export type { TabsMemory } from './tabs-memory.ts';
export { createTokenManager, type TokenManager, type TokenManagerOptions } from './token-manager.ts';
export { memoryStore, type RefreshAttempt, type StoredTokens, type TabChange, type TokenStore } from './token-store.ts';

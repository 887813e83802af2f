/**
 * @sallyport/client: keeps a browser's or a Node program's session alive. It refreshes in time, shares one refresh among callers and
 * tabs, and takes nothing but the issuer's word for a logout. It has no dependency and never logs a token.
 */
export { type ApiClient, type ApiClientOptions, createApiClient } from './api-client.ts';
export { ApiError, NetworkError, type SignedOutCause, SignedOutError } from './errors.ts';
export { createTokenManager, type TokenManager, type TokenManagerOptions } from './token-manager.ts';
export {
  type KeyValueStorage,
  localStorageStore,
  memoryStore,
  type RefreshAttempt,
  type StoredTokens,
  type TokenStore,
} from './token-store.ts';

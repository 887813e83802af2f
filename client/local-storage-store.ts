import type { KeyValueStorage } from './key-value-storage.ts';
import { attemptText, parseAttempt, watchKey } from './shared-keys.ts';
import type { TokenStore } from './token-store.ts';

const keys = {
  access: 'access_token',
  refresh: 'refresh_token',
  expires: 'token_expires_at',
  lifetime: 'token_lifetime',
  csrf: 'csrf_token',
  attempt: 'refresh_attempt',
} as const;

/**
 * All tabs of an origin, over reloads. Any script of the page can read it: choose it only where cookie mode cannot be had.
 * Keys: `access_token`, `refresh_token`, `token_expires_at` (epoch seconds, text), `token_lifetime` (seconds, text), `csrf_token`,
 * `refresh_attempt`.
 */
export const localStorageStore = (storage: KeyValueStorage = globalThis.localStorage): TokenStore => ({
  readTokens: () => {
    const accessToken = storage.getItem(keys.access);
    const expiresAtSeconds = Number(storage.getItem(keys.expires));
    if (accessToken === null || !Number.isFinite(expiresAtSeconds)) return undefined;
    const refreshToken = storage.getItem(keys.refresh);
    const csrfToken = storage.getItem(keys.csrf);
    const lifetimeSeconds = Number(storage.getItem(keys.lifetime));
    return {
      accessToken,
      expiresAtSeconds,
      ...(refreshToken !== null && { refreshToken }),
      ...(csrfToken !== null && { csrfToken }),
      ...(lifetimeSeconds > 0 && { lifetimeSeconds }),
    };
  },
  writeTokens: ({ accessToken, refreshToken, expiresAtSeconds, csrfToken, lifetimeSeconds = '' }) => {
    if (refreshToken !== undefined) storage.setItem(keys.refresh, refreshToken);
    if (csrfToken !== undefined) storage.setItem(keys.csrf, csrfToken);
    storage.setItem(keys.lifetime, String(lifetimeSeconds));
    storage.setItem(keys.expires, String(expiresAtSeconds));
    // Last: it is what other tabs hear of, and one that is told at once has to find the rest.
    storage.setItem(keys.access, accessToken);
  },
  readAttempt: () => parseAttempt(storage.getItem(keys.attempt)),
  writeAttempt: (attempt) => storage.setItem(keys.attempt, attemptText(attempt)),
  forgetAttempt: () => storage.removeItem(keys.attempt),
  clear: () => {
    for (const key of Object.values(keys)) storage.removeItem(key);
  },
  watch: (changed) => watchKey(keys.access, false, changed),
});

import type { KeyValueStorage } from './key-value-storage.ts';
import { lastingStorage } from './lasting-storage.ts';
import { attemptText, parseAttempt, watchKey } from './shared-keys.ts';
import { attemptKey, createTabsMemory, sessionKey } from './tabs-memory.ts';
import type { StoredTokens, TokenStore } from './token-store.ts';

export interface CookieStoreOptions {
  /** Default `localStorage`. */
  readonly storage?: KeyValueStorage;
  /** Opens the names of the keys; another one for each issuer that a page uses. Default `sallyport`. */
  readonly name?: string;
}

/**
 * For cookie mode, the safest choice in a browser: the refresh token in an HttpOnly cookie, the access token in this page's memory.
 * localStorage holds what the tabs have to agree on and what opens nothing: the attempt id, a random mark of the session, and whether a
 * logout is still owed to the issuer. A tab that ends the session ends it in the others.
 */
export const cookieStore = (options: CookieStoreOptions = {}): TokenStore => {
  const { name = 'sallyport' } = options;
  const storage = lastingStorage(options.storage ?? globalThis.localStorage);
  let tokens: StoredTokens | undefined;
  return {
    readTokens: () => tokens,
    writeTokens: (next) => {
      tokens = next;
    },
    readAttempt: () => parseAttempt(storage.getItem(attemptKey(name))),
    writeAttempt: (attempt) => storage.setItem(attemptKey(name), attemptText(attempt)),
    forgetAttempt: () => storage.removeItem(attemptKey(name)),
    clear: () => {
      tokens = undefined;
    },
    watch: (changed) => watchKey(sessionKey(name), true, changed),
    tabs: createTabsMemory(storage, name),
  };
};

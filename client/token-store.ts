/**
 * Where tokens live. A store is synchronous and shared by whoever can see it: all tabs for localStorage, one page for memory. It never
 * refreshes, and never decides.
 */
export interface StoredTokens {
  readonly accessToken: string;
  /** Absent in cookie mode: the browser keeps it where no script can read it. */
  readonly refreshToken?: string;
  /** Whole seconds since the epoch, by this client's clock. */
  readonly expiresAtSeconds: number;
  /** CSRF token, where the issuer gives one. */
  readonly csrfToken?: string;
}

/** The attempt id of a refresh, kept before the call is made, for one refresh token (refresh.md, "Attempt id"). */
export interface RefreshAttempt {
  readonly id: string;
  /** The last characters of the refresh token that it belongs to; empty in cookie mode. */
  readonly of: string;
}

export interface TokenStore {
  readTokens(): StoredTokens | undefined;
  writeTokens(tokens: StoredTokens): void;
  readAttempt(): RefreshAttempt | undefined;
  writeAttempt(attempt: RefreshAttempt): void;
  /** Forgets tokens and attempt. */
  clear(): void;
  /** Tells when another tab changed the tokens. Returns how to stop. */
  watch?(changed: () => void): () => void;
}

/** One page, gone with it. With cookie mode the safest choice in a browser: no script that gets in later finds a refresh token. */
export const memoryStore = (): TokenStore => {
  let tokens: StoredTokens | undefined;
  let attempt: RefreshAttempt | undefined;
  return {
    readTokens: () => tokens,
    writeTokens: (next) => {
      tokens = next;
      attempt = undefined;
    },
    readAttempt: () => attempt,
    writeAttempt: (next) => {
      attempt = next;
    },
    clear: () => {
      tokens = undefined;
      attempt = undefined;
    },
  };
};

/** The part of the Web Storage API that is used. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const keys = {
  access: 'access_token',
  refresh: 'refresh_token',
  expires: 'token_expires_at',
  csrf: 'csrf_token',
  attempt: 'refresh_attempt',
} as const;

/**
 * All tabs of an origin, over reloads. Any script of the page can read it: choose it only where cookie mode cannot be had.
 * Keys: `access_token`, `refresh_token`, `token_expires_at` (epoch seconds, text), `csrf_token`, `refresh_attempt`.
 */
export const localStorageStore = (storage: KeyValueStorage = globalThis.localStorage): TokenStore => ({
  readTokens: () => {
    const accessToken = storage.getItem(keys.access);
    const expiresAtSeconds = Number(storage.getItem(keys.expires));
    if (accessToken === null || !Number.isFinite(expiresAtSeconds)) return undefined;
    const refreshToken = storage.getItem(keys.refresh);
    const csrfToken = storage.getItem(keys.csrf);
    return {
      accessToken,
      expiresAtSeconds,
      ...(refreshToken !== null && { refreshToken }),
      ...(csrfToken !== null && { csrfToken }),
    };
  },
  writeTokens: ({ accessToken, refreshToken, expiresAtSeconds, csrfToken }) => {
    storage.setItem(keys.access, accessToken);
    if (refreshToken !== undefined) storage.setItem(keys.refresh, refreshToken);
    if (csrfToken !== undefined) storage.setItem(keys.csrf, csrfToken);
    storage.setItem(keys.expires, String(expiresAtSeconds));
    storage.removeItem(keys.attempt);
  },
  readAttempt: () => parseAttempt(storage.getItem(keys.attempt)),
  writeAttempt: ({ of, id }) => storage.setItem(keys.attempt, `${of}:${id}`),
  clear: () => {
    for (const key of Object.values(keys)) storage.removeItem(key);
  },
  watch: watchStorage,
});

const parseAttempt = (text: string | null): RefreshAttempt | undefined => {
  const [, of, id] = /^([^:]*):([A-Za-z0-9_-]{22,128})$/.exec(text ?? '') ?? [];
  return of === undefined || id === undefined ? undefined : { of, id };
};

/** The `storage` event fires in every other tab of the origin (HTML, "The storage event"). */
const watchStorage = (changed: () => void): (() => void) => {
  if (typeof globalThis.addEventListener !== 'function') return () => undefined;
  const listener = (event: Event): void => {
    const key: unknown = Reflect.get(event, 'key');
    if (key === null || key === keys.access || key === keys.refresh) changed();
  };
  globalThis.addEventListener('storage', listener);
  return () => globalThis.removeEventListener('storage', listener);
};

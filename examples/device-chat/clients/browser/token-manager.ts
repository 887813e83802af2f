import {
  createTokenManager,
  type KeyValueStorage,
  localStorageStore,
  type TokenManager as SdkTokenManager,
} from '@sallyport/client';

export interface TokenManagerOptions {
  /** Default `http://localhost:8080/api/auth`. */
  readonly authUrl?: string;
  /** Default `localStorage`. */
  readonly storage?: KeyValueStorage;
  /** Default: the page goes to `/login`. */
  readonly toLogin?: () => void;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number;
}

const checkEveryMs = 1_800_000;
/** The one answers that end a session; 429, 5xx and silence say nothing about it. */
const refusals: readonly number[] = [400, 401];

/**
 * The token manager as contracts/device-chat.md names it: `createTokenManager` of the SDK over localStorage. Checks on load and every 30 minutes.
 * What it adds: any 400 or 401 of the refresh clears, where the SDK asks for the issuer's own word.
 */
export class TokenManager {
  readonly #storage: KeyValueStorage;
  readonly #tokens: SdkTokenManager;
  readonly #toLogin: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #refused = false;

  constructor(options: TokenManagerOptions = {}) {
    const { authUrl = 'http://localhost:8080/api/auth', storage = globalThis.localStorage } = options;
    const { fetch = globalThis.fetch.bind(globalThis), toLogin = goToLogin } = options;
    this.#storage = storage;
    this.#toLogin = toLogin;
    this.#tokens = createTokenManager({
      authUrl,
      store: localStorageStore(storage),
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (url === `${authUrl}/refresh` && refusals.includes(answer.status)) this.#refused = true;
        return answer;
      },
      ...(options.now && { now: options.now }),
      // Its own logout leaves the page where it is.
      onSignedOut: (cause) => cause !== 'signed_out' && toLogin(),
    });
    this.#timer = setInterval(() => void this.checkAndRefresh(), checkEveryMs);
    void this.checkAndRefresh();
  }

  /** `expiresIn`: seconds. */
  saveTokens(access: string, refresh: string, expiresIn: number): void {
    this.#tokens.saveTokens({ accessToken: access, refreshToken: refresh, expiresInSeconds: expiresIn });
  }

  /** Refreshes when less than min(30 min, a quarter of the lifetime) remains. False: could not; or there is nothing to refresh. */
  checkAndRefresh(): Promise<boolean> {
    return this.#heeding(() => this.#tokens.checkAndRefresh());
  }

  /** `presented`: the access token that was refused; one that another tab has brought meanwhile is as good as a refresh. */
  refreshAccessToken(presented?: string): Promise<boolean> {
    const refresh = (): Promise<boolean> =>
      this.#tokens.refresh(presented).then(
        () => true,
        () => false,
      );
    return this.#heeding(refresh);
  }

  getAccessToken(): string | null {
    return this.#storage.getItem('access_token');
  }

  clearTokens(): void {
    this.#tokens.clearTokens();
  }

  /** Tells the server, then clears whatever it answered. */
  async logout(): Promise<void> {
    await this.#tokens.logout();
  }

  toLogin(): void {
    this.#toLogin();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#tokens.close();
  }

  async #heeding(refresh: () => Promise<boolean>): Promise<boolean> {
    const before = this.#storage.getItem('refresh_token');
    this.#refused = false;
    const refreshed = await refresh();
    // Of a login meanwhile, in another tab, that answer says nothing.
    if (this.#refused && before !== null && this.#storage.getItem('refresh_token') === before) {
      this.clearTokens();
      this.#toLogin();
    }
    return refreshed;
  }
}

const goToLogin = (): void => globalThis.location?.assign('/login');

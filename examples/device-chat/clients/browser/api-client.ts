import type { TokenManager } from './token-manager.ts';

/** contracts/device-chat.md: adds the bearer; on 401 refreshes once and repeats once. */
export class APIClient {
  readonly #baseURL: string;
  readonly #tokens: TokenManager;
  readonly #fetch: typeof globalThis.fetch;

  /** @param baseURL for example `http://localhost:8081/api` */
  constructor(
    baseURL: string,
    tokens: TokenManager,
    fetch: typeof globalThis.fetch = globalThis.fetch.bind(globalThis),
  ) {
    this.#baseURL = baseURL.replace(/\/+$/, '');
    this.#tokens = tokens;
    this.#fetch = fetch;
  }

  /** @throws Error `Authentication failed` where nothing but a login helps, or a needed refresh could not be made: then the tokens are kept */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const presented = this.#tokens.getAccessToken();
    const first = await this.#send(path, init, presented);
    if (first.status !== 401) return first;
    const refreshed = await this.#tokens.refreshAccessToken(presented ?? undefined);
    if (refreshed) {
      const second = await this.#send(path, init, this.#tokens.getAccessToken());
      if (second.status !== 401) return second;
    }
    // A refused refresh has gone there already, and one without an answer is no reason to.
    if (refreshed || presented === null) this.#tokens.toLogin();
    throw new Error('Authentication failed');
  }

  get(path: string): Promise<Response> {
    return this.request(path);
  }

  post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return this.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  #send(path: string, init: RequestInit, accessToken: string | null): Promise<Response> {
    const headers = new Headers(init.headers);
    if (accessToken !== null) headers.set('authorization', `Bearer ${accessToken}`);
    return this.#fetch(`${this.#baseURL}${path}`, { ...init, headers });
  }
}

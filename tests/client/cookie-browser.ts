/** A browser as cookie mode meets it: one cookie jar and one localStorage for all tabs, and a network that may lose answers. */
import { cookieStore, createTokenManager, type KeyValueStorage, type SignedOutCause } from '@sallyport/client';

export interface Browser {
  /** Answers to lose: the issuer has acted, the browser hears nothing, and stores no cookie. */
  loseAnswers: number;
  down: boolean;
  calls: number;
  readonly jar: Map<string, string>;
  readonly storage: KeyValueStorage;
  /** Attempt ids in the order of the calls. */
  readonly attempts: string[];
  readonly fetch: typeof globalThis.fetch;
}

export const openBrowser = (): Browser => {
  const jar = new Map<string, string>();
  const values = new Map<string, string>();
  const attempts: string[] = [];
  // A test may put this browser's in its place.
  const networkFetch = globalThis.fetch;
  const browser = {
    loseAnswers: 0,
    down: false,
    calls: 0,
    jar,
    attempts,
    storage: {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
      removeItem: (key: string) => void values.delete(key),
    },
  };
  const send = async (url: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> => {
    browser.calls += 1;
    if (browser.down) throw new TypeError('fetch failed');
    const headers = new Headers(init.headers);
    const attempt = headers.get('idempotency-key');
    if (attempt !== null) attempts.push(attempt);
    if (jar.size > 0) headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
    const response = await networkFetch(url, { ...init, headers });
    if (browser.loseAnswers > 0) {
      browser.loseAnswers -= 1;
      await response.text();
      throw new TypeError('terminated');
    }
    for (const line of response.headers.getSetCookie()) storeCookie(jar, line);
    return response;
  };
  return Object.assign(browser, { fetch: send });
};

const storeCookie = (jar: Map<string, string>, line: string): void => {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (value === '') jar.delete(name);
  else jar.set(name, value);
};

export interface TabOptions {
  readonly locks?: null | Pick<LockManager, 'request'>;
  readonly timeoutMs?: number;
}

/** A page of that browser. Tabs see each other by what they share; the `storage` event is the real browser's. */
export const openTab = (browser: Browser, url: string, options: TabOptions = {}) => {
  const causes: SignedOutCause[] = [];
  const tokens = createTokenManager({
    authUrl: `${url}/api/v1/auth`,
    refreshPath: 'refresh-token',
    transport: 'cookie',
    store: cookieStore({ storage: browser.storage }),
    fetch: browser.fetch,
    onSignedOut: (cause) => causes.push(cause),
    ...options,
  });
  return { tokens, causes };
};

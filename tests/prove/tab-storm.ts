import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cookieStore,
  createTokenManager,
  type KeyValueStorage,
  localStorageStore,
  type TokenManager,
  type TokenStore,
} from '@sallyport/client';
import { newAttemptId } from './client.ts';
import { issuerFolder, startIssuer } from './issuer-process.ts';
import { type CookieJar, createLossyNetwork, type LossyNetwork, type NetworkCounts } from './lossy-network.ts';

interface TabStormOptions {
  readonly sessions: number;
  readonly tabs: number;
  readonly rounds: number;
  readonly transport: 'body' | 'cookie';
  readonly overlapSeconds: number;
  /** False: no client sends an `Idempotency-Key`. */
  readonly attemptIds: boolean;
  /** Of the calls, whose answer does not arrive. */
  readonly lossShare: number;
  readonly random: () => number;
}

export interface TabStormResult extends NetworkCounts {
  readonly transport: 'body' | 'cookie';
  readonly sessions: number;
  readonly tabs: number;
  readonly rounds: number;
  /** Sessions that any tab was told to be over. */
  readonly loggedOut: number;
  /** As the issuers' own audit tells it. */
  readonly reuseVerdicts: number;
  /** Tabs that gave up after all their retries. */
  readonly gaveUp: number;
  readonly sessionsStillRefreshing: number;
}

const cookieName = '__Host-refresh_token';
const sessionsPerAccount = 20;
const retries = 60;
const lifetimeMs = 900_000;

/** Of all browsers: how far it is before the machine's. */
interface Clock {
  aheadMs: number;
}

/** One browser: tabs that share a storage, cookies and locks, each with its own token manager. */
interface Browser {
  readonly tabs: readonly Tab[];
  loggedOut: boolean;
}

interface Tab {
  /** In cookie transport each tab's own. */
  readonly store: TokenStore;
  readonly manager: TokenManager;
}

/**
 * Browsers with several tabs whose access token has run out, all at once, from two issuers on one SQLite file, on a network that
 * loses answers: nobody is logged out, and nobody is taken for a thief.
 */
const tabStorm = async (options: TabStormOptions): Promise<TabStormResult> => {
  const folder = issuerFolder({
    // Quick to set up; the storm itself hashes nothing.
    PASSWORD_HASH: 'argon2id',
    REFRESH_TRANSPORT: options.transport,
    REFRESH_COOKIE_NAME: cookieName,
    REFRESH_OVERLAP_SECONDS: String(options.overlapSeconds),
  });
  const issuers = [await startIssuer(folder), await startIssuer(folder)];
  const urls = issuers.map(({ url }) => url);
  const network = createLossyNetwork({ ...options, urls, cookieName });
  try {
    const clock: Clock = { aheadMs: 0 };
    const browsers = await openBrowsers(urls[0] ?? '', network, clock, options);
    const gaveUp = await storm(browsers, network, clock, options);
    const sessionsStillRefreshing = await stillRefreshing(browsers);
    await Promise.all(issuers.map((issuer) => issuer.stop()));
    const { transport, sessions, tabs, rounds } = options;
    return {
      ...{ transport, sessions, tabs, rounds, ...network.counts },
      loggedOut: browsers.filter(({ loggedOut }) => loggedOut).length,
      reuseVerdicts: countReuse(folder.path),
      gaveUp,
      sessionsStillRefreshing,
    };
  } finally {
    await network.close();
    await Promise.all(issuers.map((issuer) => issuer.stop()));
    folder.remove();
  }
};

/** Both transports, and a twin without overlap and attempt ids, which must log browsers out or the storm would prove nothing. */
export const provenTabStorm = async (
  sessions: number,
  random: () => number,
  overlapSeconds = 10,
): Promise<Readonly<Record<'body' | 'cookie' | 'unprotected', TabStormResult>> & { readonly passed: boolean }> => {
  const storm = { sessions, tabs: 5, rounds: 3, overlapSeconds, attemptIds: true, lossShare: 0.25, random } as const;
  const body = await tabStorm({ ...storm, transport: 'body' });
  const cookie = await tabStorm({ ...storm, transport: 'cookie' });
  const bare = { transport: 'body', overlapSeconds: 0, attemptIds: false } as const;
  const unprotected = await tabStorm({ ...storm, ...bare, sessions: Math.min(sessions, 50) });
  return { body, cookie, unprotected, passed: [body, cookie].every(allStayedIn) && unprotected.loggedOut > 0 };
};

const allStayedIn = ({
  sessions,
  loggedOut,
  reuseVerdicts,
  gaveUp,
  sessionsStillRefreshing,
}: TabStormResult): boolean => loggedOut + reuseVerdicts + gaveUp === 0 && sessionsStillRefreshing === sessions;

const storm = async (
  browsers: readonly Browser[],
  network: LossyNetwork,
  clock: Clock,
  { rounds, lossShare, overlapSeconds, attemptIds, random }: TabStormOptions,
): Promise<number> => {
  let gaveUp = 0;
  network.lossShare = lossShare;
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0) await lifetimePasses(network, clock);
    const waking = browsers.flatMap((browser) => {
      expire(browser);
      return browser.tabs.map(({ manager }) => wake(manager, random));
    });
    gaveUp += (await Promise.all(waking)).filter((awake) => !awake).length;
  }
  // The last answer of every browser is lost, and it comes back when the overlap is long over: only the attempt id speaks for it.
  await lifetimePasses(network, clock);
  network.lossShare = 1;
  for (const browser of browsers) expire(browser);
  await Promise.allSettled(browsers.map(async ({ tabs: [tab] }) => tab?.manager.getAccessToken()));
  network.lossShare = 0;
  await sleep(attemptIds ? overlapSeconds * 1000 + 1000 : 0);
  const back = browsers.flatMap(({ tabs }) => tabs.map(({ manager }) => wake(manager, random)));
  return gaveUp + (await Promise.all(back)).filter((awake) => !awake).length;
};

/**
 * Between two rounds lies the life of an access token: the browsers' clocks say so, and what was cut in the last round has been served. A
 * request that waits for longer than its browser's next burst carries a token two generations old (ADR 0036).
 */
const lifetimePasses = async (network: LossyNetwork, clock: Clock): Promise<void> => {
  await sleep(200);
  await network.answerAll();
  clock.aheadMs += lifetimeMs;
};

/** The clock has moved on: the access tokens of all tabs are over. */
const expire = ({ tabs }: Browser): void => {
  for (const { store } of tabs) {
    const tokens = store.readTokens();
    if (tokens !== undefined) store.writeTokens({ ...tokens, expiresAtSeconds: 1 });
  }
};

/** A tab that needs a token and comes again until it has one. False: it never got one. */
const wake = async (tab: TokenManager, random: () => number): Promise<boolean> => {
  await sleep(random() * 20);
  for (let attempt = 0; attempt < retries; attempt += 1) {
    try {
      // Undefined: signed out, which its browser has noted.
      await tab.getAccessToken();
      return true;
    } catch {
      await sleep(10 + random() * 90);
    }
  }
  return false;
};

const stillRefreshing = async (browsers: readonly Browser[]): Promise<number> => {
  const answers = await Promise.allSettled(browsers.map(async ({ tabs: [tab] }) => tab?.manager.refresh()));
  return answers.filter(({ status }) => status === 'fulfilled').length;
};

const openBrowsers = async (
  url: string,
  network: LossyNetwork,
  clock: Clock,
  options: TabStormOptions,
): Promise<Browser[]> => {
  const { sessions } = options;
  const accounts = Math.ceil(sessions / sessionsPerAccount);
  const opened = await Promise.all(
    Array.from({ length: accounts }, async (_, index) => {
      const account = { email: `${newAttemptId()}@example.org`, password: 'correct horse battery' };
      await post(network.fetchFor(), `${url}/auth/register`, { ...account, name: 'Tabs' });
      const browsers: Browser[] = [];
      const count = Math.min(sessionsPerAccount, sessions - index * sessionsPerAccount);
      while (browsers.length < count) browsers.push(await openBrowser(url, network, clock, account, options));
      return browsers;
    }),
  );
  return opened.flat();
};

const openBrowser = async (
  url: string,
  network: LossyNetwork,
  clock: Clock,
  account: object,
  { tabs, transport }: TabStormOptions,
): Promise<Browser> => {
  const jar: CookieJar | undefined = transport === 'cookie' ? {} : undefined;
  const fetch = network.fetchFor(jar);
  const answer = await post(fetch, `${url}/auth/login`, account);
  const shared = sharedStorage();
  const locks = locksOfOneBrowser();
  const browser: Browser = { tabs: [], loggedOut: false };
  const openTab = (): Tab => {
    const store = transport === 'cookie' ? cookieStore({ storage: shared }) : localStorageStore(shared);
    const onSignedOut = () => {
      browser.loggedOut = true;
    };
    const authUrl = `${url}/auth`;
    const now = () => Date.now() + clock.aheadMs;
    return { store, manager: createTokenManager({ authUrl, store, transport, fetch, locks, now, onSignedOut }) };
  };
  const opened = Array.from({ length: tabs }, openTab);
  opened[0]?.manager.saveTokens({
    accessToken: String(answer['access_token']),
    ...(transport === 'body' && { refreshToken: String(answer['refresh_token']) }),
    expiresInSeconds: 900,
  });
  return Object.assign(browser, { tabs: opened });
};

const post = async (fetch: typeof globalThis.fetch, url: string, body: object) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Readonly<Record<string, unknown>>;
};

/**
 * Web Locks as far as the client uses them, one set for each browser: those of this process are one set for all browsers, and
 * slower the more of them there are.
 */
const locksOfOneBrowser = (): Pick<LockManager, 'request'> => {
  const waiting: (() => void)[] = [];
  let held = false;
  const take = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = (): void => {
        held = true;
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(new Error('waited long enough', { cause: signal?.reason }));
      };
      if (!held) {
        begin();
        return;
      }
      waiting.push(begin);
      signal?.addEventListener('abort', leave);
    });
  const request = async (_: string, { signal }: LockOptions, work: LockGrantedCallback<unknown>): Promise<unknown> => {
    await take(signal);
    try {
      return await work(null);
    } finally {
      held = false;
      waiting.shift()?.();
    }
  };
  return { request } as Pick<LockManager, 'request'>;
};

/** localStorage as the tabs of one browser see it. */
const sharedStorage = (): KeyValueStorage => {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
};

/** Effects that are not drained yet count as well. */
const countReuse = (folder: string): number => {
  const db = new DatabaseSync(join(folder, 'sallyport.db'), { readOnly: true });
  const row = db
    .prepare(
      `SELECT count(*) AS reused FROM (SELECT effect_id FROM audit WHERE event_type = 'refresh_reused'
        UNION SELECT id FROM effects WHERE act = 'refresh.reused')`,
    )
    .get();
  db.close();
  return Number(row?.['reused']);
};

import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, createTokenManager, memoryStore, NetworkError } from '@sallyport/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Browser, openBrowser, openTab } from './cookie-browser.ts';

let issuer: Issuer;
let people = 0;
beforeAll(async () => {
  // No overlap: only the attempt id proves the same holder.
  issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa', REFRESH_OVERLAP_SECONDS: '0' });
});
afterAll(() => issuer.remove());

const person = () => {
  people += 1;
  return { email: `tab${people}@example.org`, password: 'StrongPass123!', first_name: 'Ada', last_name: 'Lovelace' };
};
const open = (browser: Browser, options = {}) => openTab(browser, issuer.url, options);
const signedUp = async (options = {}) => {
  const browser = openBrowser();
  const who = person();
  const one = open(browser, options);
  await one.tokens.signIn('register', who);
  const two = open(browser, options);
  expect(await two.tokens.getAccessToken()).toMatch(/^ey/);
  return { browser, who, one, two };
};

describe('cookie mode', () => {
  it('signs in, and stays in over a reload, with no token in storage', async () => {
    const { browser, one } = await signedUp();
    const reloaded = open(browser);
    expect(await reloaded.tokens.getAccessToken()).toMatch(/^ey/);
    const stored = ['session', 'refresh_attempt', 'logout_owed'].map((key) =>
      browser.storage.getItem(`sallyport.${key}`),
    );
    expect(stored).toEqual([
      expect.stringMatching(/^[A-Za-z0-9_-]{32}$/),
      expect.stringMatching(/^\d{13}:[A-Za-z0-9_-]{32}$/),
      null,
    ]);
    expect(browser.jar.get('refresh_token')).toBeDefined();
    expect(one.causes).toEqual([]);
  });

  it.each([
    ['with locks', {}],
    ['without locks', { locks: null }],
  ])('keeps two tabs in when both refresh at once and one answer is lost, %s', async (_name, options) => {
    const { browser, one, two } = await signedUp(options);
    browser.loseAnswers = 1;
    const outcomes = await Promise.allSettled([one.tokens.refresh(), two.tokens.refresh()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const { tokens } of [one, two, one]) expect(await tokens.refresh()).toMatch(/^ey/);
    expect([...one.causes, ...two.causes]).toEqual([]);
  });

  it('keeps three tabs in through forty rounds of refreshes and lost answers', async () => {
    const { browser, one, two } = await signedUp();
    const tabs = [one, two, open(browser)];
    for (let round = 0; round < 40; round += 1) {
      browser.loseAnswers = (round * 7) % 4;
      await Promise.allSettled(tabs.map(({ tokens }) => tokens.refresh()));
    }
    browser.loseAnswers = 0;
    for (const { tokens } of tabs) expect(await tokens.refresh()).toMatch(/^ey/);
    expect(tabs.flatMap(({ causes }) => causes)).toEqual([]);
  });

  it('rests on the shared attempt id: the same loss ends the session where each tab has its own', async () => {
    const { browser, one } = await signedUp();
    const values = new Map<string, string>();
    const apart = { ...browser.storage, getItem: (key: string) => values.get(key) ?? browser.storage.getItem(key) };
    const ownAttempt = {
      ...apart,
      setItem: (key: string, value: string) =>
        void (key.endsWith('attempt') ? values.set(key, value) : browser.storage.setItem(key, value)),
    };
    const two = openTab({ ...browser, storage: ownAttempt }, issuer.url);
    browser.loseAnswers = 1;
    await expect(one.tokens.refresh()).rejects.toBeInstanceOf(NetworkError);
    values.set('sallyport.refresh_attempt', `:${'x'.repeat(32)}`);
    await expect(two.tokens.refresh()).rejects.toMatchObject({ reason: 'refresh_reused' });
  });

  it('draws a new attempt id also where the clock was set back, or every generation would know the one before', async () => {
    let nowMs = Date.now();
    const { browser, one } = await signedUp({ now: () => nowMs });
    const from = browser.attempts.length;
    for (const backMs of [0, 86_400_000, -60_000]) {
      nowMs -= backMs;
      await one.tokens.refresh();
    }
    expect(new Set(browser.attempts.slice(from)).size).toBe(3);
  });

  it('draws a new attempt id for each burst of refreshes, and keeps it after a lost answer however late it is', async () => {
    let nowMs = Date.now();
    const { browser, one, two } = await signedUp({ now: () => nowMs });
    const from = browser.attempts.length;
    const laterMs = async (ms: number, refresh: () => Promise<unknown>): Promise<void> => {
      nowMs += ms;
      await refresh();
    };
    await laterMs(5000, () => one.tokens.refresh());
    await laterMs(4999, () => two.tokens.refresh());
    browser.loseAnswers = 1;
    await laterMs(5000, () => expect(one.tokens.refresh()).rejects.toBeInstanceOf(NetworkError));
    await laterMs(3_600_000, () => two.tokens.refresh());
    await laterMs(5000, () => one.tokens.refresh());
    const [first, sameBurst, lost, again, last] = browser.attempts.slice(from);
    expect(sameBurst).toBe(first);
    expect(again).toBe(lost);
    expect(new Set([first, lost, last]).size).toBe(3);
  });

  it('lets no tab hang on another that never lets go of its lock, and both stay in', async () => {
    const held: Pick<LockManager, 'request'> = {
      request: (_name: string, options: unknown) =>
        new Promise<never>((_resolve, reject) => {
          const { signal } = options as { signal: AbortSignal };
          signal.addEventListener('abort', () => reject(new Error('given up', { cause: signal.reason })));
        }),
    };
    const { browser, one, two } = await signedUp();
    const impatient = open(browser, { locks: held, timeoutMs: 300 });
    expect(await impatient.tokens.getAccessToken()).toMatch(/^ey/);
    for (const { tokens } of [one, impatient, two]) expect(await tokens.refresh()).toMatch(/^ey/);
    expect([...one.causes, ...two.causes, ...impatient.causes]).toEqual([]);
  });

  it('ends in one tab what was ended in another', async () => {
    const { one, two, browser } = await signedUp();
    expect(await one.tokens.logout()).toBe(true);
    await expect(two.tokens.refresh()).rejects.toMatchObject({ reason: 'signed_out_elsewhere' });
    expect([one.causes, two.causes]).toEqual([['signed_out'], ['signed_out_elsewhere']]);
    const before = browser.calls;
    expect(await one.tokens.getAccessToken()).toBeUndefined();
    expect(browser.calls).toBe(before);
  });

  it('takes no answer that was on its way when the session ended', async () => {
    const { browser, one, two } = await signedUp();
    const slow = openTab(
      {
        ...browser,
        fetch: async (...call) => {
          const response = await browser.fetch(...call);
          await two.tokens.logout();
          return response;
        },
      },
      issuer.url,
    );
    await expect(slow.tokens.refresh()).rejects.toMatchObject({ reason: 'signed_out_elsewhere' });
    expect(await slow.tokens.getAccessToken()).toBeUndefined();
    await expect(one.tokens.refresh()).rejects.toMatchObject({ name: 'SignedOutError' });
  });

  it('does not mix two people when another one logs in elsewhere', async () => {
    const { one, two } = await signedUp();
    await two.tokens.signIn('register', person());
    await expect(one.tokens.refresh()).rejects.toMatchObject({ reason: 'signed_in_elsewhere' });
    expect(one.causes).toEqual(['signed_in_elsewhere']);
    expect(await two.tokens.refresh()).toMatch(/^ey/);
  });

  it('says that a first visit has no session, which is no event to tell a person of', async () => {
    const tab = open(openBrowser());
    expect(await tab.tokens.getAccessToken()).toBeUndefined();
    expect(tab.causes).toEqual(['no_session']);
  });

  it('pays a logout that nobody heard, before a reload could bring the session back', async () => {
    const { browser, one } = await signedUp();
    const cookie = `refresh_token=${browser.jar.get('refresh_token')}`;
    browser.down = true;
    expect(await one.tokens.logout()).toBe(false);
    browser.down = false;
    const reloaded = open(browser);
    expect(await reloaded.tokens.getAccessToken()).toBeUndefined();
    expect(browser.jar.size).toBe(0);
    const refused = await fetch(`${issuer.url}/api/v1/auth/refresh-token`, { method: 'POST', headers: { cookie } });
    expect(await refused.json()).toMatchObject({ code: 'session_revoked' });
  });

  it('logs nobody out who logs in elsewhere while the answer to a logout is slow', async () => {
    const { browser, who } = await signedUp();
    const slow = async (...call: Parameters<typeof fetch>) => {
      const stored = new Map(browser.jar);
      const response = await fetch(call[0], {
        ...call[1],
        headers: { cookie: [...stored].map((pair) => pair.join('=')).join('; ') },
      });
      await sleep(300);
      if (response.headers.getSetCookie().length > 0) browser.jar.clear();
      return response;
    };
    const leaving = open({ ...browser, fetch: slow });
    const arriving = open(browser);
    const { email, password } = who;
    const left = leaving.tokens.logout();
    await sleep(50);
    await arriving.tokens.signIn('login', { email, password });
    expect(await left).toBe(true);
    expect(await arriving.tokens.refresh()).toMatch(/^ey/);
    expect(arriving.causes).toEqual([]);
  });

  it('refreshes and logs out also where the storage is full', async () => {
    const browser = openBrowser();
    let isFull = false;
    const setItem = (key: string, value: string): void => {
      if (isFull) throw new DOMException('full', 'QuotaExceededError');
      browser.storage.setItem(key, value);
    };
    const tab = open({ ...browser, storage: { ...browser.storage, setItem } });
    await tab.tokens.signIn('register', person());
    isFull = true;
    expect(await tab.tokens.refresh()).toMatch(/^ey/);
    expect(await tab.tokens.logout()).toBe(true);
    expect(await tab.tokens.getAccessToken()).toBeUndefined();
    expect(browser.jar.get('refresh_token')).toBeUndefined();
  });

  it('owes nothing any more after the next login', async () => {
    const { browser, one, who } = await signedUp();
    browser.down = true;
    await one.tokens.logout();
    browser.down = false;
    await one.tokens.signIn('login', { email: who.email, password: who.password });
    expect(await open(browser).tokens.getAccessToken()).toMatch(/^ey/);
  });

  it("keeps the session when a proxy answers 401 in the issuer's place", async () => {
    const { browser, one } = await signedUp();
    const behind = openTab(
      { ...browser, fetch: async () => new Response('<h1>Proxy</h1>', { status: 401 }) },
      issuer.url,
    );
    await expect(behind.tokens.refresh()).rejects.toBeInstanceOf(ApiError);
    expect(behind.causes).toEqual([]);
    expect(await one.tokens.refresh()).toMatch(/^ey/);
  });

  it.each([
    ['a page', () => new Response('<html>Welcome to our network', { headers: { 'content-type': 'text/html' } })],
    ['nothing', () => new Response(null, { status: 204 })],
    ['a list', () => Response.json([])],
    ['a token without end', () => Response.json({ access_token: 'x' })],
  ])('takes %s with 200 for a lost answer, not for tokens, and stays in', async (_name, portal) => {
    const { browser, one } = await signedUp();
    let portalAnswers = true;
    const tab = open({
      ...browser,
      fetch: async (...call) => {
        if (!portalAnswers) return browser.fetch(...call);
        // The issuer has acted; what the page hears is the portal.
        browser.loseAnswers = 1;
        await browser.fetch(...call).catch(() => undefined);
        return portal();
      },
    });
    await expect(tab.tokens.getAccessToken()).rejects.toBeInstanceOf(NetworkError);
    portalAnswers = false;
    expect(await tab.tokens.getAccessToken()).toMatch(/^ey/);
    expect([...tab.causes, ...one.causes]).toEqual([]);
  });

  it("still owes a logout, and is not signed in, where a portal's page was the answer", async () => {
    const { browser, who } = await signedUp();
    const portal = async () => new Response('<html>Welcome to our network');
    const tab = open({ ...browser, fetch: portal });
    await expect(tab.tokens.signIn('login', who)).rejects.toBeInstanceOf(NetworkError);
    expect(await tab.tokens.logout()).toBe(false);
    const reloaded = open(browser);
    expect(await reloaded.tokens.getAccessToken()).toBeUndefined();
    expect(browser.jar.get('refresh_token')).toBeUndefined();
  });

  it('counts an answer that takes too long as lost, and tries again with the same id', async () => {
    const { browser } = await signedUp();
    let stalled = true;
    const late = openTab(
      {
        ...browser,
        fetch: async (url, init) => {
          const response = await browser.fetch(url, init);
          if (stalled) await sleep(2_000, undefined, { signal: init?.signal ?? AbortSignal.abort() });
          return response;
        },
      },
      issuer.url,
      { timeoutMs: 400 },
    );
    await expect(late.tokens.refresh()).rejects.toBeInstanceOf(NetworkError);
    stalled = false;
    expect(await late.tokens.refresh()).toMatch(/^ey/);
    expect(late.causes).toEqual([]);
  });

  it('tells what a refused login was about, and when to come again', async () => {
    const tab = open(openBrowser());
    const login = tab.tokens.signIn('login', { email: 'nobody@example.org', password: 'wrong password' });
    await expect(login).rejects.toMatchObject({ name: 'ApiError', status: 401, code: 'credentials_invalid' });
  });
});

it('refuses a misspelt option', () => {
  const options = { authUrl: 'http://localhost', store: memoryStore(), transprot: 'cookie' };
  expect(() => createTokenManager(options)).toThrow('unknown option "transprot"');
});

import {
  ApiError,
  createApiClient,
  createTokenManager,
  type KeyValueStorage,
  localStorageStore,
  memoryStore,
  NetworkError,
  type SignedOutCause,
  SignedOutError,
  type TokenStore,
} from '@sallyport/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issuerClient, newAttemptId, type Tokens } from '../prove/client.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from '../prove/issuer-process.ts';

let folder: IssuerFolder;
let issuer: Issuer;

beforeAll(async () => {
  // No overlap: only the attempt id proves the same holder.
  folder = issuerFolder({ REFRESH_OVERLAP_SECONDS: '0' });
  issuer = await startIssuer(folder);
});
afterAll(async () => {
  await issuer.stop();
  folder.remove();
});

const signUp = async (): Promise<Tokens> => {
  const client = issuerClient(issuer.url, 1);
  const tokens = await client.signUp();
  await client.close();
  return tokens;
};

/** What the network may do to a call: the server has acted, and the answer is lost. */
interface Network {
  loseAnswers: number;
  down: boolean;
  calls: number;
  readonly fetch: typeof globalThis.fetch;
}

const network = (): Network => {
  const state = { loseAnswers: 0, down: false, calls: 0 };
  return Object.assign(state, {
    fetch: async (...request: Parameters<typeof fetch>) => {
      state.calls += 1;
      if (state.down) throw new TypeError('fetch failed');
      const response = await fetch(...request);
      if (state.loseAnswers === 0) return response;
      state.loseAnswers -= 1;
      await response.text();
      throw new TypeError('terminated');
    },
  });
};

const open = (store: TokenStore, { access, refresh }: Tokens, net = network(), now: () => number = Date.now) => {
  const causes: SignedOutCause[] = [];
  const tokens = createTokenManager({
    authUrl: `${issuer.url}/auth`,
    store,
    fetch: net.fetch,
    now,
    onSignedOut: (cause) => causes.push(cause),
  });
  tokens.saveTokens({ accessToken: access, refreshToken: refresh, expiresInSeconds: 900 });
  return { tokens, net, causes };
};

/** localStorage as two tabs see it. */
const sharedStorage = (): KeyValueStorage => {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
};

describe('the token manager', () => {
  it('makes one call for any number of callers', async () => {
    const { tokens, net } = open(memoryStore(), await signUp());
    const refreshed = await Promise.all(Array.from({ length: 20 }, () => tokens.refresh()));
    expect(new Set(refreshed).size).toBe(1);
    expect(net.calls).toBe(1);
  });

  it('comes back with its attempt id after a lost answer, with no overlap at all', async () => {
    const { tokens, net, causes } = open(memoryStore(), await signUp());
    net.loseAnswers = 2;
    await expect(tokens.refresh()).rejects.toBeInstanceOf(NetworkError);
    await expect(tokens.refresh()).rejects.toBeInstanceOf(NetworkError);
    expect(await tokens.refresh()).toMatch(/^ey/);
    expect(await tokens.refresh()).toMatch(/^ey/);
    expect(causes).toEqual([]);
  });

  it('keeps two tabs in when both refresh at once and one answer is lost', async () => {
    const shared = sharedStorage();
    const session = await signUp();
    const one = open(localStorageStore(shared), session);
    const two = open(localStorageStore(shared), session);
    one.net.loseAnswers = 1;
    const first = one.tokens.refresh().catch(() => one.tokens.refresh());
    await Promise.all([first, two.tokens.refresh()]);
    for (const { tokens } of [one, two, one]) expect(await tokens.refresh()).toMatch(/^ey/);
    expect([...one.causes, ...two.causes]).toEqual([]);
  });

  it('answers from the store when another tab has refreshed already', async () => {
    const shared = sharedStorage();
    const session = await signUp();
    const one = open(localStorageStore(shared), session);
    const two = open(localStorageStore(shared), session);
    const fresh = await one.tokens.refresh();
    expect(await two.tokens.refresh(session.access)).toBe(fresh);
    expect(two.net.calls).toBe(0);
  });

  it('keeps the tokens when nobody answers, and says so', async () => {
    const { tokens, net, causes } = open(memoryStore(), await signUp());
    net.down = true;
    expect(await tokens.checkAndRefresh()).toBe(true);
    await expect(tokens.refresh()).rejects.toBeInstanceOf(NetworkError);
    net.down = false;
    expect(await tokens.refresh()).toMatch(/^ey/);
    expect(causes).toEqual([]);
  });

  it('refreshes early when less than a quarter of the lifetime remains, and not before', async () => {
    let now = Date.now();
    const { tokens, net } = open(memoryStore(), await signUp(), network(), () => now);
    now += 600_000;
    expect(await tokens.checkAndRefresh()).toBe(true);
    expect(net.calls).toBe(0);
    now += 150_000;
    expect(await tokens.checkAndRefresh()).toBe(true);
    expect(net.calls).toBe(1);
  });

  it('signs out with the cause when the issuer says that an old token came back', async () => {
    const session = await signUp();
    const { tokens, causes } = open(memoryStore(), session);
    await tokens.refresh();
    const thief = issuerClient(issuer.url, 1);
    expect((await thief.refresh(session.refresh, newAttemptId())).status).toBe(401);
    await thief.close();
    await expect(tokens.refresh()).rejects.toMatchObject({ name: 'SignedOutError', reason: 'refresh_reused' });
    expect(causes).toEqual(['refresh_reused']);
    expect(await tokens.getAccessToken()).toBeUndefined();
  });

  it('clears on logout even when nobody answers', async () => {
    const { tokens, net, causes } = open(memoryStore(), await signUp());
    net.down = true;
    await tokens.logout();
    expect(await tokens.getAccessToken()).toBeUndefined();
    expect(causes).toEqual(['signed_out']);
  });
});

describe('the API client', () => {
  it('refreshes once and repeats once after 401', async () => {
    const session = await signUp();
    const { tokens, net } = open(memoryStore(), { ...session, access: `${session.access.slice(0, -6)}AAAAAA` });
    const api = createApiClient({ baseUrl: `${issuer.url}/auth`, tokens, fetch: net.fetch });
    expect(await api.get('/me')).toMatchObject({ user: { name: 'Prove' } });
    expect(net.calls).toBe(3);
  });

  it('stays at its own server, whatever path it is given', async () => {
    const { tokens } = open(memoryStore(), await signUp());
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(new URL(url as string, 'https://page.example').host);
      return new Response('{}');
    };
    for (const baseUrl of ['https://api.example', 'https://api.example/', '/api']) {
      const api = createApiClient({ baseUrl, tokens, fetch });
      for (const path of ['@evil.example/', '.evil.example', ':1@evil.example', '//evil.example', '/\t\\evil.example'])
        await api.get(path);
    }
    expect(new Set(asked)).toEqual(new Set(['api.example', 'page.example']));
  });

  it('throws what the server said, typed', async () => {
    const { tokens, net } = open(memoryStore(), await signUp());
    const api = createApiClient({ baseUrl: `${issuer.url}/auth`, tokens, fetch: net.fetch });
    expect(await api.get('/me')).toMatchObject({ user: { name: 'Prove' } });
    await expect(api.delete('/sessions/018f0000-0000-7000-8000-000000000000')).rejects.toMatchObject({
      name: 'ApiError',
      status: 404,
      code: 'session_unknown',
    });
    await expect(api.get('/nowhere')).rejects.toBeInstanceOf(ApiError);
  });

  it('gives up with SignedOutError when the session is over', async () => {
    const { tokens, net } = open(memoryStore(), await signUp());
    const api = createApiClient({ baseUrl: `${issuer.url}/auth`, tokens, fetch: net.fetch });
    await api.post('/logout-all');
    await expect(api.get('/me')).rejects.toBeInstanceOf(SignedOutError);
  });
});

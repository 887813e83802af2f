/** contracts/device-chat.md, "Browser client", line by line, against the real issuer and chat service. */
import { type ChatPageOptions, openChatPage } from '@sallyport/example-device-chat/browser';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DeviceChat, startDeviceChat } from '../testing/device-chat.ts';
import { type RegisteredDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { httpClient } from '../testing/http-client.ts';
import { newPerson } from '../testing/people.ts';

let system: DeviceChat;
beforeAll(async () => {
  system = await startDeviceChat({ issuer: { REFRESH_LIMIT_PER_HOUR: '0', PASSWORD_HASH: 'bcrypt' } });
});
afterAll(() => system.remove());

const newMember = async (): Promise<{ readonly device: RegisteredDevice; readonly password: string }> => {
  const person = newPerson();
  const { password } = person;
  const device = await registerDevice(httpClient(system.issuer.url), { username: usernameOf(person), password });
  return { device, password };
};

type Weather = (url: string) => Response | 'down' | undefined;

/** A page of this browser: its localStorage, what the network does to it, and whether it was sent to the login. */
const openPage = (values = new Map<string, string>(), given: ChatPageOptions = {}) => {
  const state = { weather: (() => undefined) as Weather, calls: [] as string[], toLogin: 0 };
  const page = openChatPage({
    issuerURL: `${system.issuer.url}/api`,
    chatURL: `${system.chat.url}/api`,
    storage: {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => void values.set(key, value),
      removeItem: (key) => void values.delete(key),
    },
    toLogin: () => {
      state.toLogin += 1;
    },
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : input.toString();
      state.calls.push(new URL(url).pathname);
      const met = state.weather(url);
      if (met === 'down') throw new TypeError('fetch failed');
      return met ?? fetch(input, init);
    },
    ...given,
  });
  return { ...page, state, values };
};

const at = (path: string, answer: () => Response | 'down'): Weather => {
  return (url) => (url.endsWith(path) ? answer() : undefined);
};

const signedIn = async (given: ChatPageOptions = {}) => {
  const { device, password } = await newMember();
  const page = openPage(new Map(), given);
  const body = await page.login(device.username, password, device.id, device.key as Buffer<ArrayBuffer>);
  page.state.calls.length = 0;
  return { ...page, body, device, password };
};

const keys = ['access_token', 'refresh_token', 'token_expires_at'] as const;
const kept = (values: ReadonlyMap<string, string>) => keys.filter((key) => values.has(key));

describe('login(username, password, deviceID, deviceKey)', () => {
  it('keeps the tokens in localStorage, the expiry as epoch seconds in text', async () => {
    const before = Math.floor(Date.now() / 1000);
    const { values, body, tokens } = await signedIn();
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 7200 });
    expect(tokens.getAccessToken()).toBe(body['access_token']);
    expect(values.get('refresh_token')).toBe(body['refresh_token']);
    expect(values.get('token_expires_at')).toMatch(/^\d+$/);
    expect(Number(values.get('token_expires_at')) - before - 7200).toBeLessThan(30);
    tokens.close();
  });

  it('takes a key that no script can read', async () => {
    const { device, password } = await newMember();
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', device.key as Buffer<ArrayBuffer>, hmac, false, ['sign']);
    const { login, tokens } = openPage();
    expect(await login(device.username, password, device.id, key)).toHaveProperty('access_token');
    tokens.close();
  });

  it("throws the body's error, else Login failed", async () => {
    const { device, password } = await newMember();
    const { login, state, tokens } = openPage();
    const key = device.key as Buffer<ArrayBuffer>;
    await expect(login(device.username, 'wrong', device.id, key)).rejects.toThrow(/^invalid credentials$/);
    state.weather = at('/login', () => new Response('<html>', { status: 502 }));
    await expect(login(device.username, password, device.id, key)).rejects.toThrow(/^Login failed$/);
    tokens.close();
  });
});

describe('TokenManager', () => {
  const minute = 60_000;

  it('refreshes when less than min(30 min, a quarter) remains, also in a page that was loaded since', async () => {
    const start = Date.now();
    let now = start;
    const { values, tokens, state } = await signedIn({ now: () => now });
    now = start + 80 * minute;
    expect(await tokens.checkAndRefresh()).toBe(true);
    expect(state.calls).toEqual([]);
    tokens.close();
    now = start + 100 * minute;
    const reloaded = openPage(values, { now: () => now });
    expect(await reloaded.tokens.checkAndRefresh()).toBe(true);
    // The one of the load and this one, in one flight.
    expect(reloaded.state.calls).toEqual(['/api/auth/refresh']);
    expect(Number(values.get('token_expires_at'))).toBe(Math.floor(now / 1000) + 7200);
    reloaded.tokens.close();
  });

  it('looks every 30 minutes', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let now = Date.now();
    const { tokens, state } = await signedIn({ now: () => now });
    now += 110 * minute;
    vi.advanceTimersByTime(29 * minute);
    expect(state.calls).toEqual([]);
    vi.advanceTimersByTime(minute);
    await vi.waitFor(() => expect(state.calls).toEqual(['/api/auth/refresh']), 10_000);
    tokens.close();
    vi.useRealTimers();
  });

  it.each([400, 401])('%i clears and goes to the login', async (status) => {
    const { tokens, state, values } = await signedIn();
    state.weather = at('/refresh', () => Response.json({ error: 'no' }, { status }));
    expect(await tokens.refreshAccessToken()).toBe(false);
    expect(kept(values)).toEqual([]);
    expect(state.toLogin).toBe(1);
    tokens.close();
  });

  it("the issuer's own 401 does the same, once", async () => {
    const { tokens, state, values, issuer } = await signedIn();
    expect((await issuer.post('/auth/logout-all', {})).ok).toBe(true);
    expect(await tokens.refreshAccessToken()).toBe(false);
    expect([kept(values), state.toLogin]).toEqual([[], 1]);
    tokens.close();
  });

  it.each([429, 500, 503, 'down'] as const)('%s keeps the tokens and returns false', async (what) => {
    const start = Date.now();
    let now = start;
    const { tokens, state, values } = await signedIn({ now: () => now });
    state.weather = at('/refresh', () => (what === 'down' ? what : Response.json({ error: 'no' }, { status: what })));
    expect(await tokens.refreshAccessToken()).toBe(false);
    now = start + 119 * minute;
    expect(await tokens.checkAndRefresh()).toBe(false);
    expect(kept(values)).toEqual(keys);
    expect(state.toLogin).toBe(0);
    state.weather = () => undefined;
    expect(await tokens.refreshAccessToken()).toBe(true);
    tokens.close();
  });

  it.each([200, 500, 'down'] as const)('logout tells the server, then clears all three: %s', async (what) => {
    const { tokens, state, values, body } = await signedIn();
    if (what !== 200)
      state.weather = at('/logout', () => (what === 'down' ? what : new Response(null, { status: what })));
    await tokens.logout();
    expect(state.calls).toEqual(['/api/auth/logout']);
    expect(kept(values)).toEqual([]);
    const refreshed = await httpClient(system.issuer.url)('POST', '/api/auth/refresh', {
      body: { refresh_token: body['refresh_token'] },
    });
    expect(refreshed.status).toBe(what === 200 ? 401 : 200);
    tokens.close();
  });

  it('clearTokens tells nobody', async () => {
    const { tokens, state, values } = await signedIn();
    tokens.clearTokens();
    expect([kept(values), state.calls, state.toLogin]).toEqual([[], [], 0]);
    tokens.close();
  });
});

describe('APIClient(baseURL)', () => {
  it('on 401 refreshes once and repeats once, for any number of callers', async () => {
    const { tokens, chat, state, values } = await signedIn();
    values.set('access_token', `${tokens.getAccessToken()?.slice(0, -8)}AAAAAAAA`);
    const answers = await Promise.all([chat.get('/rooms'), chat.get('/rooms'), chat.get('/rooms')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(state.calls.filter((path) => path === '/api/auth/refresh')).toHaveLength(1);
    expect(state.calls.filter((path) => path === '/api/rooms')).toHaveLength(6);
    tokens.close();
  });

  it('goes to the login and throws where a refresh does not help', async () => {
    const { tokens, chat, state } = await signedIn();
    state.weather = at('/rooms', () => new Response(null, { status: 401 }));
    await expect(chat.get('/rooms')).rejects.toThrow(/^Authentication failed$/);
    expect(state.calls).toEqual(['/api/rooms', '/api/auth/refresh', '/api/rooms']);
    expect(state.toLogin).toBe(1);
    tokens.close();
  });

  it('throws the same where nobody is signed in, and where the refresh was not answered; then the tokens stay', async () => {
    const { tokens, chat, state, values } = await signedIn();
    values.set('access_token', 'spoilt');
    state.weather = at('/refresh', () => 'down');
    await expect(chat.post('/rooms/join', { room_id: 'x' })).rejects.toThrow(/^Authentication failed$/);
    expect([kept(values), state.toLogin]).toEqual([keys, 0]);
    tokens.clearTokens();
    await expect(chat.get('/rooms')).rejects.toThrow(/^Authentication failed$/);
    expect(state.toLogin).toBe(1);
    tokens.close();
  });
});

describe('sendMessage and getMessages', () => {
  it('send, and return the messages', async () => {
    const { tokens, chat, sendMessage, getMessages } = await signedIn();
    const { room_id } = (await (await chat.post('/rooms/create', { name: 'Lobby' })).json()) as { room_id: string };
    expect(await sendMessage(room_id, 'hello')).toMatchObject({ status: 'message sent' });
    expect(await getMessages(room_id)).toMatchObject([{ message: 'hello' }]);
    tokens.close();
  });

  it("throw the body's error, else their own", async () => {
    const { tokens, sendMessage, getMessages, state } = await signedIn();
    await expect(sendMessage('lobby', '')).rejects.toThrow(/^invalid request$/);
    state.weather = (url) => (url.includes('/messages/') ? new Response('<html>', { status: 502 }) : undefined);
    await expect(sendMessage('lobby', 'x')).rejects.toThrow(/^Failed to send message$/);
    await expect(getMessages('lobby')).rejects.toThrow(/^Failed to get messages$/);
    tokens.close();
  });
});

/** The chat of the preset device-chat, as people use it: real servers, real Chromium, two people, several windows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, BrowserContextOptions, Page, WebSocket } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startReady, stopEverything } from '../start/testing/started.ts';
import { loginOnDevice, registerDevice as registerElsewhere } from '../testing/devices.ts';
import { httpClient } from '../testing/http-client.ts';
import {
  createRoom,
  expectIn,
  expectMessage,
  expectOut,
  expectRoom,
  expectWhy,
  joinByLink,
  logIn,
  logOut,
  messagesOf,
  newName,
  password,
  registerDevice,
  registered,
  write,
} from './testing/chat-page.ts';
import { isMissing, keepScreenshot, launch } from './testing/chromium.ts';
import { type CuttableLine, startCuttableLine } from './testing/cuttable-line.ts';

const accessTtlSeconds = 5;
/** No leeway and a short life: what keeps people in is the silent refresh. */
const env = {
  ACCESS_TOKEN_TTL_SECONDS: String(accessTtlSeconds),
  CLOCK_LEEWAY_SECONDS: '0',
  REFRESH_LIMIT_PER_HOUR: '0',
  PASSWORD_HASH: 'bcrypt',
  BCRYPT_COST: '10',
};
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

describe.skipIf(isMissing())('the chat in Chromium', () => {
  let system: Started;
  let line: CuttableLine;
  let browser: Browser;
  let url: string;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    system = await startReady({ preset: 'device-chat', env });
    const chatPort = 8081 + system.offset;
    line = await startCuttableLine(chatPort);
    browser = await launch([`MAP localhost:${chatPort} 127.0.0.1:${line.port}`]);
    url = `${system.url(3000)}/`;
  });
  afterAll(async () => {
    await browser?.close();
    await line?.close();
    await stopEverything();
  });
  afterEach(async () => {
    line.mend();
    await Promise.all(contexts.splice(0).map((context) => context.close()));
  });

  /** A browser of its own: its own storage, keys and size. */
  const newWindow = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(10_000);
    contexts.push(context);
    return context;
  };

  const refreshesOf = (page: Page): { readonly count: () => number } => {
    let count = 0;
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/api/auth/refresh')) count += 1;
    });
    return { count: () => count };
  };

  /** Somebody without a browser: registers a device, logs in, joins, and writes. */
  const writerElsewhere = async (roomId: string): Promise<(text: string) => Promise<void>> => {
    const issuer = httpClient(system.url(8080));
    const chat = httpClient(system.url(8081));
    const device = await registerElsewhere(issuer, { username: newName('node'), password });
    const logInAgain = async (): Promise<string> =>
      String((await loginOnDevice(issuer, device, password)).body['access_token']);
    let bearer = await logInAgain();
    const post = async (path: string, given: object): Promise<void> => {
      const first = await chat('POST', `/api${path}`, { bearer, body: given });
      if (first.status === 401) bearer = await logInAgain();
      const { status, text } =
        first.status === 401 ? await chat('POST', `/api${path}`, { bearer, body: given }) : first;
      if (status !== 200) throw new Error(text);
    };
    await post('/rooms/join', { room_id: roomId });
    return (message) => post('/messages/send', { room_id: roomId, message });
  };
  const roomIdIn = (link: string): string => link.split('/').at(-1) ?? '';

  it('lets two people talk, one of them on a phone: an account, a room, a link, and what each writes is with the other at once', async () => {
    const complaints: string[] = [];
    const listen = (page: Page): void => {
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy|TrustedHTML|TrustedScript|CORS/i.test(message.text()))
          complaints.push(message.text());
      });
    };
    const desk = await newWindow();
    const { page: ada, username: adasName } = await registered(desk, url);
    listen(ada);
    const link = await createRoom(ada, 'Harbour');
    await ada.getByText('Quiet in here.').waitFor();
    const { page: grace, username: gracesName } = await registered(await newWindow(phone), url, newName('grace'));
    listen(grace);
    await joinByLink(grace, link, 'Harbour');
    await write(grace, 'Low water is at 05:40. Do we leave at four?');
    await expectMessage(ada, 'Do we leave at four?');
    // What a screen reader is told of: the one that is new.
    await grace.evaluate(() => {
      const list = document.querySelector('#messages') ?? document;
      const watch = new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) told.push(node.textContent ?? '');
      });
      const told: string[] = [];
      Object.assign(window, { told });
      watch.observe(list, { childList: true });
    });
    await write(ada, 'Four it is. <img src=x onerror=alert(1)>');
    await expectMessage(grace, 'Four it is. <img src=x onerror=alert(1)>');
    expect(await ada.locator('.author').allTextContents()).toEqual([gracesName, 'You']);
    const told = await grace.evaluate(() => Reflect.get(window, 'told') as string[]);
    expect(told.filter((text) => !text.includes('Four it is.'))).toEqual([]);
    expect(told.length).toBeGreaterThan(0);
    await expect.poll(() => ada.locator('#room-people').textContent()).toBe([adasName, gracesName].sort().join(', '));
    await keepScreenshot(ada, 'chat-two-people-desk');
    await keepScreenshot(grace, 'chat-two-people-phone');

    // Who is elsewhere sees that there is something new.
    await ada.getByRole('link', { name: 'Devices' }).click();
    await ada.getByRole('heading', { name: 'Devices that can log in' }).waitFor();
    await ada.locator('.room-link').focus();
    await write(grace, 'I bring coffee.');
    await ada.getByRole('link', { name: /^Harbour ?, 1 new message$/ }).waitFor();
    expect(await ada.evaluate(() => document.activeElement?.className)).toBe('room-link');
    await ada.keyboard.press('Enter');
    await expectMessage(ada, 'I bring coffee.');
    expect(await ada.title()).toBe('Parley');

    // Who leaves is asked first, and hears nothing any more.
    await grace.getByRole('button', { name: 'Leave' }).click();
    await grace.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
    await grace.getByText('You are in no room yet.').waitFor();
    await write(ada, 'She is gone.');
    await grace.goto(link);
    await grace.getByRole('heading', { name: 'You are not in this room' }).waitFor();
    expect(await grace.content()).not.toContain('She is gone.');
    expect(complaints).toEqual([]);
  });

  it('keeps the device key where no script can read it, and logs in with it after a reload and a logout', async () => {
    const context = await newWindow();
    const { page, username } = await registered(context, url);
    await page.reload();
    await expectIn(page, username);
    await logOut(page);
    await page.getByText('You have logged out.').waitFor();
    const registrations: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('register-device')) registrations.push(request.url());
    });
    await page.reload();
    await expectOut(page);
    await logIn(page, username);
    await expectIn(page, username);
    expect(registrations).toEqual([]);
    expect(await keysIn(page)).toEqual({
      read: ['device: InvalidAccessError', 'proof: InvalidAccessError'],
      // The contract's three, the token against CSRF, and how long an access token lives.
      kept: ['access_token', 'csrf_token', 'refresh_token', 'token_expires_at', 'token_lifetime'],
      cookie: '',
    });
  });

  it('has keys that can be read where the client asks for such ones, so that the test above can fail', async () => {
    const context = await newWindow();
    await context.addInitScript(() => {
      const { subtle } = crypto;
      const derive = subtle.deriveKey.bind(subtle);
      subtle.deriveKey = (algorithm, base, derived, _extractable, usages) =>
        derive(algorithm, base, derived, true, usages as KeyUsage[]);
      const generate = subtle.generateKey.bind(subtle) as (...all: unknown[]) => Promise<CryptoKeyPair>;
      Object.assign(subtle, {
        generateKey: (algorithm: unknown, _extractable: boolean, usages: unknown) => generate(algorithm, true, usages),
      });
    });
    const { page } = await registered(context, url);
    expect((await keysIn(page)).read).toEqual(['device: read', 'proof: read']);
  });

  it('loses nothing with its tokens: copied out of the browser they are refused, and the owner stays in', async () => {
    const { page, username } = await registered(await newWindow(), url);
    await createRoom(page, 'Vault');
    const copy = (key: string): Promise<string> => page.evaluate((name) => localStorage.getItem(name) ?? '', key);
    const issuer = httpClient(system.url(8080));
    const refresh_token = await copy('refresh_token');
    const stolen = await issuer('POST', '/api/auth/refresh', { body: { refresh_token } });
    expect([stolen.status, stolen.body['code']]).toEqual([401, 'proof_required']);
    // For its key, and not for its age: one that has run out meanwhile is copied anew.
    const tryAccess = async (scheme: string): Promise<unknown> => {
      const headers = { authorization: `${scheme} ${await copy('access_token')}` };
      return (await httpClient(system.url(8081))('GET', '/api/rooms', { headers })).body['code'];
    };
    for (const scheme of ['Bearer', 'DPoP'])
      await expect.poll(() => tryAccess(scheme), { timeout: 15_000 }).toBe('proof_required');
    await write(page, 'Still mine.');
    await page.reload();
    await expectIn(page, username);
  });

  it('ends the chat in every tab with a logout in one: the stream is closed, and the page says why', async () => {
    const context = await newWindow();
    const { page: one, username } = await registered(context, url);
    const link = await createRoom(one, 'Quay');
    const two = await context.newPage();
    const opened = two.waitForEvent('websocket');
    await two.goto(link);
    await expectIn(two, username);
    await expectRoom(two, 'Quay');
    await one.bringToFront();
    await write(one, 'Both of my tabs see this.');
    await expectMessage(two, 'Both of my tabs see this.');
    const closed = closingOf(await opened);
    // A tab behind another one is drawn once a second, and Playwright waits for that.
    await one.bringToFront();
    await logOut(one);
    await closed;
    await expectWhy(two, /in another tab of this browser/);
    expect(await two.content()).not.toContain('Both of my tabs see this.');
    expect(await two.locator('#side').isVisible()).toBe(false);
    await keepScreenshot(two, 'chat-signed-out-elsewhere');
    await two.reload();
    await expectOut(two);
    expect(await two.locator('#why').isVisible()).toBe(false);
    // In again in one, in again in the other.
    await one.bringToFront();
    await logIn(one, username);
    await expectIn(one, username);
    await expectRoom(two, 'Quay');
  });

  it('asks a new browser to register, and ends its chat when the other one revokes it', async () => {
    const { page: first, username } = await registered(await newWindow(), url);
    const link = await createRoom(first, 'Lighthouse');
    const second = await (await newWindow(phone)).newPage();
    const opened = second.waitForEvent('websocket');
    await second.goto(link);
    await logIn(second, username);
    await second.getByRole('heading', { name: 'Register this device' }).waitFor();
    await registerDevice(second, 'Old phone');
    await expectRoom(second, 'Lighthouse');
    const closed = closingOf(await opened);
    await first.getByRole('link', { name: 'Devices' }).click();
    await first.getByRole('button', { name: 'Rename Old phone' }).click();
    await first.getByLabel('New name of Old phone').fill('Lost phone');
    await first.keyboard.press('Enter');
    await first.getByText('Now called Lost phone.').waitFor();
    await first.getByLabel('Remember this device for 30 days').check();
    await first.getByLabel(/^Remember this device \(until /).waitFor();
    await keepScreenshot(first, 'chat-two-devices');
    await first.getByRole('button', { name: 'Revoke Lost phone' }).click();
    await first.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await first.getByText('Revoked: Lost phone.').waitFor();
    await closed;
    await expectWhy(second, /ended from elsewhere/);
    await keepScreenshot(second, 'chat-device-revoked-phone');
    expect(await first.locator('#device-list > li').count()).toBe(1);
    expect(await first.locator('#session-list > li').count()).toBe(1);

    // Its key opens nothing now; registered anew, with the password, it can come in again.
    await logIn(second, username);
    await second.getByText('or this device has been revoked').waitFor();
    await second.getByRole('button', { name: 'Register this device anew' }).click();
    await registerDevice(second, 'Found phone');
    await expectRoom(second, 'Lighthouse');
    await first.reload();

    // A session that was ended leaves its device what it is: the password is enough.
    await first.getByRole('button', { name: 'End the session of Found phone' }).click();
    await first.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await first.getByText('Ended: Found phone.').waitFor();
    await expectWhy(second, /ended from elsewhere/);
    await logIn(second, username);
    await expectRoom(second, 'Lighthouse');
    await first.getByRole('button', { name: 'Revoke all others' }).click();
    await first.getByRole('button', { name: 'Revoke them' }).click();
    await first.getByText('This is your only device now.').waitFor();
    await expectWhy(second, /ended from elsewhere/);
    expect(await first.locator('#device-list').textContent()).not.toContain('Found phone');
  });

  it('comes back with a new token when the service closes the stream of one that has run out', async () => {
    const { page } = await registered(await newWindow(), url);
    const refreshes = refreshesOf(page);
    await createRoom(page, 'Watch');
    const say = await writerElsewhere(roomIdIn(page.url()));
    await page.waitForEvent('websocket', { timeout: (accessTtlSeconds + 10) * 1000 });
    await page.waitForFunction(() => document.body.dataset['link'] === 'open');
    await say('Still there?');
    await expectMessage(page, 'Still there?');
    await write(page, 'Of course.');
    expect(refreshes.count()).toBeGreaterThan(0);
    expect(await saidOf(page)).toEqual(['', '']);
  });

  it('comes back by itself when the line was cut, with all that was written meanwhile, once and in order', async () => {
    const { page } = await registered(await newWindow(), url);
    const link = await createRoom(page, 'Storm');
    await write(page, 'Before the storm.');
    const say = await writerElsewhere(roomIdIn(link));
    line.cut();
    await page.getByText('No connection at the moment.').waitFor();
    const field = page.getByLabel(/^Message to /);
    await field.fill('Into the wind.');
    await field.press('Enter');
    await page.getByText('Not sent. No answer from the server.').waitFor();
    expect(await field.inputValue()).toBe('Into the wind.');
    await keepScreenshot(page, 'chat-no-connection');
    const missed = Array.from({ length: 60 }, (_, index) => `Missed ${index + 1}`);
    for (const text of missed) await say(text);
    line.mend();
    await expectMessage(page, 'Missed 60');
    expect(await messagesOf(page)).toEqual(['Before the storm.', ...missed]);
    await page.waitForFunction(() => document.querySelector('#link-state')?.textContent === '');
    await field.press('Enter');
    await expectMessage(page, 'Into the wind.');

    // A page at a time, for who comes new.
    await page.reload();
    await expectMessage(page, 'Into the wind.');
    expect((await messagesOf(page)).length).toBe(50);
    await page.getByRole('button', { name: 'Older messages' }).click();
    await page.getByText('12 older messages.').waitFor();
    expect(await messagesOf(page)).toEqual(['Before the storm.', ...missed, 'Into the wind.']);
    expect(await page.getByText('This is where it began.').isVisible()).toBe(true);
  });

  it('says that nobody answers and goes on by one click, or that the login was ended meanwhile', async () => {
    const { page, username } = await registered(await newWindow(), url);
    await createRoom(page, 'Fog');
    line.cut();
    await page.reload();
    await page.getByText('You are still logged in.').waitFor();
    line.mend();
    // The rooms come, and what was written there does not.
    await page.route('**/api/messages/*', (route) => route.abort());
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('You are still logged in.').waitFor();
    await page.unrouteAll();
    // By itself: with the stream's next beginning, or sooner where the network is said to be back.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expectIn(page, username);
    await expectRoom(page, 'Fog');

    line.cut();
    await page.waitForFunction(() => document.body.dataset['link'] === 'waiting');
    const issuer = httpClient(system.url(8080));
    const { body } = await loginOnDevice(issuer, await registerElsewhere(issuer, { username, password }), password);
    const ended = await issuer('POST', '/api/auth/logout-all', { bearer: String(body['access_token']) });
    expect(ended.status).toBe(200);
    // The stream is refused before it begins, and a browser tells a page no status.
    line.mend();
    await expectWhy(page, /ended from elsewhere/);
  });

  it('keeps what is written while a message is on its way, and sends it in order; what is not sent stands in the field again', async () => {
    const { page } = await registered(await newWindow(), url);
    await createRoom(page, 'Pier');
    const field = page.getByLabel(/^Message to /);
    let answer: 'late' | 'none' = 'late';
    await page.route('**/messages/send', async (route) => {
      if (answer === 'none') return route.abort();
      await sleep(400);
      return route.continue();
    });
    for (const text of ['First.', 'Second.', 'Third.']) {
      await field.fill(text);
      await field.press('Enter');
    }
    await field.fill('Half a sen');
    for (const text of ['First.', 'Second.', 'Third.']) await expectMessage(page, text);
    expect(await messagesOf(page)).toEqual(['First.', 'Second.', 'Third.']);
    expect(await field.inputValue()).toBe('Half a sen');
    answer = 'none';
    await field.press('Enter');
    await page.getByText(/^Not sent\./).waitFor();
    expect(await field.inputValue()).toBe('Half a sen');
  });

  it('says what is wrong at its field, and tells a stranger nothing about accounts', async () => {
    const { page, username } = await registered(await newWindow(), url);
    await logOut(page);
    await logIn(page, username, 'not the password');
    await page.getByText('User name and password do not fit together').waitFor();
    await page.getByRole('button', { name: 'Create one' }).click();
    await page.getByRole('button', { name: 'Create account' }).click();
    expect(await page.locator('#register-form [aria-invalid="true"]').count()).toBe(2);
    const form = page.locator('#register-form');
    await form.getByLabel('User name').fill(newName('short'));
    await form.getByLabel('Password', { exact: true }).fill('short');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.locator('#register-password-error', { hasText: 'too short' }).waitFor();
    await form.getByLabel('User name').fill(username);
    await form.getByLabel('Password', { exact: true }).fill('another password');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('This name is taken').waitFor();
  });

  // The last one: for the servers, and for whoever comes after them, it is later now.
  it('is still in three hours later, though every server was started anew meanwhile', async () => {
    const { page, username } = await registered(await newWindow(), url);
    await createRoom(page, 'Long watch');
    await write(page, 'See you later.');
    const refreshes = refreshesOf(page);
    system.child.kill('SIGTERM');
    await system.ended;
    await page.getByText('No connection at the moment.').waitFor();
    const { dataDir, offset } = system;
    const laterSeconds = 3 * 3600;
    await page.clock.setSystemTime(Date.now() + laterSeconds * 1000);
    system = await startReady({
      preset: 'device-chat',
      dataDir,
      offset,
      env: { ...env, SALLYPORT_CLOCK_OFFSET_SECONDS: String(laterSeconds) },
    });
    // It would try again by itself; who is told that the network is back need not wait.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.waitForFunction(() => document.body.dataset['link'] === 'open');
    await write(page, 'Three hours later.');
    await expectIn(page, username);
    expect(refreshes.count()).toBeGreaterThan(0);
    expect(await saidOf(page)).toEqual(['', '']);
  });
});

/** What a page says of trouble. */
const saidOf = (page: Page): Promise<readonly (string | null)[]> =>
  Promise.all(['#alert', '#link-state'].map((id) => page.locator(id).textContent()));

const closingOf = (socket: WebSocket): Promise<unknown> =>
  socket.isClosed() ? Promise.resolve() : socket.waitForEvent('close');

/** The keys that the browser keeps, and what a script of the page can do with them. */
const keysIn = (page: Page) =>
  page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
      });
    const database = await settled(indexedDB.open('sallyport'));
    const all = await settled(database.transaction('devices').objectStore('devices').getAll());
    const keys = (all as { readonly key?: CryptoKey; readonly pair?: CryptoKeyPair }[]).flatMap(({ key, pair }) => [
      ...(key instanceof CryptoKey ? [['device', 'raw', key] as const] : []),
      ...(pair?.privateKey instanceof CryptoKey ? [['proof', 'pkcs8', pair.privateKey] as const] : []),
    ]);
    const tries = keys.map(([name, format, key]) =>
      crypto.subtle.exportKey(format, key).then(
        () => `${name}: read`,
        (error: unknown) => `${name}: ${(error as Error).name}`,
      ),
    );
    return {
      read: (await Promise.all(tries)).sort(),
      kept: Object.keys(localStorage).sort(),
      cookie: document.cookie,
    };
  });

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startReady, stopEverything } from '../start/testing/started.ts';
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
  newName,
  password,
  registered,
  write,
} from './testing/chat-page.ts';
import { isMissing, keepScreenshot, launch } from './testing/chromium.ts';

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const desk = { viewport: { width: 1200, height: 800 } };
const sizes: readonly (readonly [size: string, options: BrowserContextOptions])[] = [
  ['desk', desk],
  ['phone', phone],
];

const talk = [
  ['ada', 'The tide table for tomorrow is on the wall.'],
  ['grace', 'Seen it. Low water at 05:40, so we leave at four?'],
  ['grace', 'I bring coffee.'],
  ['ada', 'Four it is. And the long line, please: the short one did not reach the second bollard last time.'],
] as const;

describe.skipIf(isMissing())('the chat is for everybody', () => {
  let system: Started;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    system = await startReady({ preset: 'device-chat', env: { PASSWORD_HASH: 'bcrypt', BCRYPT_COST: '10' } });
    browser = await launch();
    url = `${system.url(3000)}/`;
  });
  afterAll(async () => {
    await browser?.close();
    await stopEverything();
  });

  const open = async (options: BrowserContextOptions): Promise<BrowserContext> => {
    const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB', ...options });
    context.setDefaultTimeout(10_000);
    return context;
  };

  const serious = async (page: Page): Promise<readonly string[]> => {
    if (await page.evaluate(() => !('axe' in window))) await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  };

  /** What sticks out to the right, and targets too small for a thumb (WCAG 2.5.5: 44 by 44). */
  const misfits = (page: Page): Promise<readonly string[]> =>
    page.evaluate(() => {
      // The page itself does not scroll, so nothing but the elements can say it.
      const wide = [...document.querySelectorAll('main *, header *, dialog *')].filter((element) => {
        const { width, right, left } = element.getBoundingClientRect();
        return width > 1 && (right > innerWidth + 0.5 || left < -0.5);
      });
      const small = [...document.querySelectorAll('button, input, textarea, a[href]:not(.skip)')].filter((element) => {
        // A box to tick is as large as its label.
        const { width, height } = (element.closest('label') ?? element).getBoundingClientRect();
        return width > 0 && (width < 44 || height < 43.5);
      });
      return [...wide, ...small].map((element) => element.outerHTML.slice(0, 120));
    });

  /** In light and dark axe finds nothing serious, nothing sticks out, and pictures are kept. */
  const look = async (page: Page, name: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // The colours of a view are the same on a phone: what is small there differs in both schemes alike.
      const isSeenOnDesk = colorScheme === 'light' && name.endsWith('-phone');
      const found = isSeenOnDesk ? [] : await serious(page);
      expect([name, colorScheme, found, await misfits(page)]).toEqual([name, colorScheme, [], []]);
      await keepScreenshot(page, `chat-${name}-${colorScheme}`);
    }
  };

  it.each(sizes)('in its rooms, on a %s', async (size, options) => {
    // Axe is put in by the test; the page's own policy is tested elsewhere.
    const [one, other] = [await open({ ...options, bypassCSP: true }), await open({ ...options, bypassCSP: true })];
    const [{ page: ada }, { page: grace }] = await Promise.all([
      registered(one, url, `ada-${size}`),
      registered(other, url, `grace-${size}`),
    ]);
    await look(ada, `rooms-none-${size}`);
    await ada.getByRole('button', { name: 'New or join a room' }).click();
    await look(ada, `new-room-${size}`);
    await ada.keyboard.press('Escape');
    const link = await createRoom(ada, 'Harbour');
    await look(ada, `room-empty-${size}`);
    await grace.goto(link);
    await grace.getByRole('heading', { name: 'You are not in this room' }).waitFor();
    await look(grace, `stranger-${size}`);
    await joinByLink(grace, link, 'Harbour');
    for (const [author, text] of talk) {
      await write(author === 'ada' ? ada : grace, text);
      await expectMessage(author === 'ada' ? grace : ada, text);
    }
    await look(ada, `room-${size}`);
    await Promise.all([one.close(), other.close()]);
  });

  it.each(sizes)('at its door and among the devices, on a %s', async (size, options) => {
    const context = await open({ ...options, bypassCSP: true });
    const { page, username } = await registered(context, url, `lin-${size}`);
    await page.goto(`${url}#/devices`);
    await page.getByRole('heading', { name: 'Devices that can log in' }).waitFor();
    await look(page, `devices-${size}`);
    await page.getByRole('button', { name: /^Revoke / }).click();
    await look(page, `ask-${size}`);
    await page.keyboard.press('Escape');
    const tab = await context.newPage();
    await tab.goto(url);
    await expectIn(tab, username);
    await logOut(tab);
    await expectWhy(page, /in another tab/);
    await tab.close();
    await look(page, `why-${size}`);
    await logIn(page, username);
    await page.getByRole('button', { name: /^Revoke / }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('You have logged out.').waitFor();
    await page.getByRole('button', { name: 'Create one' }).click();
    await page.getByRole('button', { name: 'Create account' }).click();
    await look(page, `register-${size}`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await logIn(page, username);
    await page.getByRole('heading', { name: 'Register this device' }).waitFor();
    await look(page, `device-${size}`);
    await context.close();
  });

  it('works by keyboard alone: an account, a room, a message, the devices, log out, log in, write', async () => {
    const context = await open(desk);
    const page = await context.newPage();
    const username = newName('ada');
    const type = async (selector: string, text: string): Promise<void> => {
      await tabTo(page, selector);
      await page.keyboard.type(text);
    };
    await page.goto(url);
    await expectOut(page);
    await tabTo(page, '#to-register');
    await page.keyboard.press('Enter');
    await type('#register-username', username);
    await type('#register-password', password);
    await page.keyboard.press('Enter');
    await expectIn(page, username);
    await tabTo(page, '#open-new-room');
    await page.keyboard.press('Enter');
    await type('#new-room', 'Harbour');
    await page.keyboard.press('Enter');
    await expectRoom(page, 'Harbour');
    expect(await focused(page)).toBe('message');
    await page.keyboard.type('By keyboard,');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('in two lines.');
    await page.keyboard.press('Enter');
    await expectMessage(page, 'By keyboard,\nin two lines.');
    expect(await focused(page)).toBe('message');
    await tabTo(page, '#to-devices', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await tabTo(page, '#device-list .rename');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('rename');
    await page.keyboard.type('My desk');
    await page.keyboard.press('Enter');
    await page.getByText('Now called My desk.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('rename');
    await tabTo(page, '#device-list .danger');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('ask-no');
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Revoke');
    await tabTo(page, '#logout', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expectOut(page);
    await type('#login-username', username);
    await type('#login-password', password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Devices that can log in' }).waitFor();
    await tabTo(page, '.room-link', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expectRoom(page, 'Harbour');
    await page.keyboard.type('Still by keyboard.');
    await page.keyboard.press('Enter');
    await expectMessage(page, 'Still by keyboard.');
    // The focus is seen on every stop.
    for (let stop = 0; stop < 12; stop += 1) {
      await page.keyboard.press('Tab');
      const unseen = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return undefined;
        return getComputedStyle(element).outlineStyle === 'solid' ? undefined : element.outerHTML;
      });
      expect(unseen).toBeUndefined();
    }
    await context.close();
  });
});

const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '');

const maxStops = 40;
const tabTo = async (page: Page, selector: string, key = 'Tab'): Promise<void> => {
  for (let stop = 0; stop < maxStops; stop += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${selector} cannot be reached by ${key}`);
};

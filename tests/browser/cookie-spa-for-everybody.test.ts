import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Started, startReady, stopEverything } from '../start/testing/started.ts';
import { isMissing, keepScreenshot, launch } from './testing/chromium.ts';
import { addExpense, expectIn, expectOut, newPerson, password, registered } from './testing/expense-page.ts';

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const desk = { viewport: { width: 1200, height: 900 } };

const month = [
  { amount: '840.00', category: 'Home', note: 'Rent' },
  { amount: '64.20', category: 'Food', note: 'Market on Saturday' },
  { amount: '49.00', category: 'Transport', note: 'Monthly ticket' },
  { amount: '18.90', category: 'Health', note: 'Pharmacy' },
  { amount: '27.50', category: 'Fun', note: 'Cinema with Grace' },
  { amount: '12.35', category: 'Food', note: 'Lunch' },
];

describe.skipIf(isMissing())('the expense page is for everybody', () => {
  let system: Started;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    system = await startReady({ preset: 'cookie-spa', env: { PASSWORD_HASH: 'bcrypt', BCRYPT_COST: '10' } });
    browser = await launch();
    url = `${system.url(3000)}/`;
  });
  afterAll(async () => {
    await browser?.close();
    await stopEverything();
  });

  const open = async (options: BrowserContextOptions) => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(8_000);
    return context;
  };

  const serious = async (page: Page): Promise<readonly string[]> => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  };

  /** What sticks out to the right, and controls too small for a thumb (WCAG 2.5.5: 44 by 44). */
  const misfits = (page: Page): Promise<readonly string[]> =>
    page.evaluate(() => {
      const wide =
        document.documentElement.scrollWidth > innerWidth ? [`page ${document.documentElement.scrollWidth}`] : [];
      const small = [...document.querySelectorAll('button, input, select')].filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 0 && (width < 44 || height < 43.5);
      });
      return [...wide, ...small.map((element) => element.outerHTML.slice(0, 120))];
    });

  const colorSchemes = ['light', 'dark'] as const;
  const look = async (page: Page, name: string): Promise<void> => {
    for (const colorScheme of colorSchemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect([colorScheme, await serious(page), await misfits(page)]).toEqual([colorScheme, [], []]);
      await keepScreenshot(page, `${name}-${colorScheme}`);
    }
  };

  it.each([
    ['desk', desk],
    ['phone', phone],
  ])('on a %s, light and dark: axe finds nothing serious, nothing sticks out', async (name, size) => {
    // Axe is put in by the test; the page's own policy is tested elsewhere.
    const context = await open({ ...size, bypassCSP: true, locale: 'en-IE' });
    const page = await context.newPage();
    await page.goto(url);
    await expectOut(page);
    await look(page, `door-${name}`);
    await page.getByRole('button', { name: 'Create one' }).click();
    await page.getByRole('button', { name: 'Create account' }).click();
    await look(page, `register-${name}`);
    const { page: ledger } = await registered(context, url);
    for (const spending of month) await addExpense(ledger, spending);
    await look(ledger, `ledger-${name}`);
    await context.close();
  });

  it('works by keyboard alone: register, add, delete, log out, log in', async () => {
    const context = await open(desk);
    const page = await context.newPage();
    const person = newPerson();
    const type = async (selector: string, text: string) => {
      await tabTo(page, selector);
      await page.keyboard.type(text);
    };
    await page.goto(url);
    await expectOut(page);
    await tabTo(page, '#to-register');
    await page.keyboard.press('Enter');
    await type('#first-name', person.first);
    await type('#last-name', person.last);
    await type('#register-email', person.email);
    await type('#register-password', password);
    await page.keyboard.press('Enter');
    await expectIn(page, person);
    expect(await focused(page)).toBe('month-name');
    await type('#amount', '9.99');
    await tabTo(page, '#category');
    await page.keyboard.press('ArrowDown');
    await type('#note', 'By keyboard');
    await page.keyboard.press('Enter');
    await page.getByText('Added: By keyboard, €9.99.').waitFor();
    expect(await page.locator('#by-category').textContent()).toContain('Home');
    expect(await focused(page)).toBe('amount');
    await tabTo(page, 'button.delete');
    await page.keyboard.press('Space');
    await page.getByText('Deleted: By keyboard').waitFor();
    expect(await focused(page)).toBe('entries-name');
    await tabTo(page, '#logout', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expectOut(page);
    await type('#login-email', person.email);
    await type('#login-password', password);
    await page.keyboard.press('Enter');
    await expectIn(page, person);
    await context.close();
  });

  it('shows where the focus is on every stop', async () => {
    const context = await open(desk);
    const { page } = await registered(context, url);
    await addExpense(page, { amount: '1', category: 'Food', note: 'Bread' });
    const stops = await page.locator('a[href], button, input, select').count();
    for (let stop = 0; stop < stops; stop += 1) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate(() => {
        const element = document.activeElement;
        const style = element === null || element === document.body ? 'solid' : getComputedStyle(element).outlineStyle;
        return style === 'solid' ? [] : [element?.outerHTML];
      });
      expect(outline).toEqual([]);
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

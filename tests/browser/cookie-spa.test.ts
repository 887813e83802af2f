import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Started, startReady, stopEverything } from '../start/testing/started.ts';
import { isMissing, keepScreenshot, launch } from './testing/chromium.ts';
import {
  addExpense,
  expectIn,
  expectOut,
  fillRegistration,
  logIn,
  newPerson,
  password,
  registered,
  submitRegistration,
} from './testing/expense-page.ts';
import { type LossyProxy, startLossyProxy } from './testing/lossy-proxy.ts';

const accessTtlMs = 5_000;

describe.skipIf(isMissing())('the expense page in Chromium', () => {
  let system: Started;
  let proxy: LossyProxy;
  let browser: Browser;
  let context: BrowserContext;
  let url: string;

  beforeAll(async () => {
    // No overlap and no leeway: what keeps two tabs in is the protocol, not patience.
    const env = {
      ACCESS_TOKEN_TTL_SECONDS: '5',
      REFRESH_OVERLAP_SECONDS: '0',
      CLOCK_LEEWAY_SECONDS: '0',
      PASSWORD_HASH: 'bcrypt',
      BCRYPT_COST: '10',
    };
    system = await startReady({ preset: 'cookie-spa', env });
    const issuerPort = 8080 + system.offset;
    proxy = await startLossyProxy(issuerPort);
    browser = await launch([`MAP localhost:${issuerPort} 127.0.0.1:${proxy.port}`]);
    url = `${system.url(3000)}/`;
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
    await stopEverything();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    context.setDefaultTimeout(8_000);
  });
  afterEach(() => context.close());

  const refreshes = () => proxy.seen.filter(({ path }) => path.endsWith('/refresh-token'));

  it('lets a person register, and shows an empty month', async () => {
    const { page } = await registered(context, url);
    expect(await page.locator('#empty').isVisible()).toBe(true);
    expect(await page.locator('#total').textContent()).toMatch(/^€0\.00$/);
  });

  it('shows nobody who logged out in another tab while the page was still asking for the month', async () => {
    const { page: first } = await registered(context, url);
    const second = await context.newPage();
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    await second.route('**/api/expenses?*', async (route) => {
      const response = await route.fetch();
      noteAsked();
      await released;
      await route.fulfill({ response });
    });
    await second.goto(url);
    await asked;
    await first.getByRole('button', { name: 'Log out' }).click();
    await expectOut(first);
    await expectOut(second);
    const answered = second.waitForResponse('**/api/expenses?*');
    release();
    await (await answered).finished();
    await sleep(200);
    expect(await second.locator('#account').isVisible()).toBe(false);
    await expectOut(second);
  });

  it('refuses a weak password next to its field, with what would be better', async () => {
    const page = await context.newPage();
    await page.goto(url);
    await fillRegistration(page, newPerson(), 'password1');
    await submitRegistration(page);
    const field = page.locator('#register-password');
    await page.locator('#register-password[aria-invalid="true"]').waitFor();
    const error = page.locator('#register-password-error');
    expect((await error.textContent())?.length).toBeGreaterThan(20);
    expect(await error.locator('li').count()).toBeGreaterThan(0);
    expect(await field.getAttribute('aria-describedby')).toContain('register-password-error');
    expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    await keepScreenshot(page, 'weak-password');
  });

  it('refuses a wrong password without saying what was wrong, and takes the right one', async () => {
    const { page, person } = await registered(context, url);
    await page.getByRole('button', { name: 'Log out' }).click();
    await expectOut(page);
    await logIn(page, person.email, 'not the password');
    await page.getByText('E-mail and password do not fit together.').waitFor();
    await logIn(page, person.email);
    await expectIn(page, person);
  });

  it('says which fields are empty, and that an e-mail is taken', async () => {
    const { page, person } = await registered(context, url);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Create one' }).click();
    await submitRegistration(page);
    expect(await page.locator('#register-form [aria-invalid="true"]').count()).toBe(4);
    await page.getByRole('button', { name: 'Log in' }).click();
    await fillRegistration(page, person, password);
    await submitRegistration(page);
    await page.getByText('There is an account with this e-mail already.').waitFor();
  });

  it('keeps expenses, sums them up, and deletes them', async () => {
    const { page } = await registered(context, url);
    await addExpense(page, { amount: '12,50', category: 'Food', note: 'Lunch' });
    await addExpense(page, { amount: '1,200.00', category: 'Home', note: 'Rent' });
    await addExpense(page, { amount: '7', category: 'Food', note: 'Coffee' });
    expect(await page.locator('#total').textContent()).toBe('€1,219.50');
    expect(await page.locator('#by-category li').allTextContents()).toEqual(['Home€1,200.00', 'Food€19.50']);
    await page.getByRole('button', { name: 'Delete Rent, €1,200.00' }).click();
    await page.getByText('Deleted: Rent, €1,200.00.').waitFor();
    expect(await page.locator('#total').textContent()).toBe('€19.50');
    await page.getByRole('button', { name: 'Month before' }).click();
    await page.locator('#empty').waitFor();
    expect(await page.locator('#total').textContent()).toBe('€0.00');
    await page.getByLabel(/^Amount in/).fill('a lot');
    await page.getByRole('button', { name: 'Add expense' }).click();
    await page.getByText('Please write an amount').waitFor();
  });

  it("shows nobody another one's expenses", async () => {
    const { page } = await registered(context, url);
    await addExpense(page, { amount: '3', category: 'Fun', note: 'Secret hobby' });
    const other = await browser.newContext();
    const { page: theirs } = await registered(other, url);
    expect(await theirs.locator('#empty').isVisible()).toBe(true);
    await other.close();
    await page.getByRole('button', { name: 'Log out' }).click();
    await expectOut(page);
    expect(await page.content()).not.toContain('Secret hobby');
  });

  it('stays in over a reload, with no token where a script could find one', async () => {
    const { page, person } = await registered(context, url);
    await page.reload();
    await expectIn(page, person);
    const [cookie] = (await context.cookies(`${system.url(8080)}/api/v1/auth`)).filter(
      ({ name }) => name === 'refresh_token',
    );
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/api/v1/auth' });
    const found = await page.evaluate(async () => ({
      local: JSON.stringify(localStorage),
      session: JSON.stringify(sessionStorage),
      cookie: document.cookie,
      databases: await indexedDB.databases(),
      globals: Object.keys(window).map((key) => String(Reflect.get(window, key))),
    }));
    // The id of the attempt that brought the cookie, and a mark: neither opens anything.
    expect(Object.keys(JSON.parse(found.local)).sort()).toEqual(['sallyport.refresh_attempt', 'sallyport.session']);
    expect([found.session, found.cookie, found.databases]).toEqual(['{}', '', []]);
    const everything = JSON.stringify(found);
    expect(everything).not.toContain(cookie?.value);
    expect(everything).not.toMatch(/eyJ/);
  });

  it('refreshes without a word when the access token has run out', async () => {
    const { page } = await registered(context, url);
    const before = refreshes().length;
    // For the page it is an hour later; the issuer's time goes on as it does.
    await page.clock.setSystemTime(Date.now() + 3_600_000);
    await addExpense(page, { amount: '1', category: 'Other', note: 'Late' });
    expect(refreshes().length).toBeGreaterThan(before);
    expect(await page.locator('#alert').textContent()).toBe('');
  });

  it('keeps two tabs in when both refresh at once and one answer is lost', async () => {
    const { page: one, person } = await registered(context, url);
    const two = await context.newPage();
    await two.goto(url);
    await expectIn(two, person);
    await sleep(accessTtlMs + 300);
    const from = refreshes().length;
    proxy.loseRefreshes(1);
    const turn = (page: Page) => page.getByRole('button', { name: 'Month before' }).click();
    await Promise.all([turn(one), turn(two)]);
    await expect.poll(() => refreshes().length, { timeout: 8_000 }).toBe(from + 2);
    const [lost, kept] = refreshes().slice(from);
    expect([lost?.lost, lost?.status, kept?.lost, kept?.status]).toEqual([true, 200, false, 200]);
    // The proof of the same holder: there is no overlap that would excuse the old cookie.
    expect(kept?.attempt).toBe(lost?.attempt);
    for (const page of [one, two]) {
      await turn(page);
      await page.reload();
      await expectIn(page, person);
    }
  });

  it('is in again by itself or by one click after reloads whose answers are lost', async () => {
    const { page, person } = await registered(context, url);
    proxy.loseRefreshes(2);
    await page.reload();
    await page.getByText('You are still logged in.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expectIn(page, person);
  });

  it('ends in every tab with a logout in one, says why, and stays out over a reload', async () => {
    const { page: one, person } = await registered(context, url);
    const two = await context.newPage();
    await two.goto(url);
    await expectIn(two, person);
    await one.getByRole('button', { name: 'Log out' }).click();
    await one.getByText('You have logged out.').waitFor();
    await two.getByText('because you logged out in another tab').waitFor();
    expect(await two.locator('#ledger').isVisible()).toBe(false);
    await two.reload();
    await expectOut(two);
    expect(await two.locator('#alert').textContent()).toBe('');
  });

  it('takes the other tabs along when somebody logs in in one', async () => {
    const { page: one, person } = await registered(context, url);
    await one.getByRole('button', { name: 'Log out' }).click();
    const two = await context.newPage();
    await two.goto(url);
    await expectOut(two);
    await logIn(one, person.email);
    await expectIn(one, person);
    await expectIn(two, person);
  });

  it('says in plain words that the session was ended from elsewhere', async () => {
    const { page, person } = await registered(context, url);
    const elsewhere = await browser.newContext();
    const { page: other } = { page: await elsewhere.newPage() };
    await other.goto(url);
    await logIn(other, person.email);
    await expectIn(other, person);
    const login = await fetch(`${system.url(8080)}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: person.email, password }),
    });
    const { access_token: token } = (await login.json()) as { access_token: string };
    const all = await fetch(`${system.url(8080)}/api/v1/auth/logout-all`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(all.status).toBe(200);
    await page.getByRole('button', { name: 'Month before' }).click();
    await page.getByText('this session was ended from elsewhere').waitFor();
    await expectOut(page);
    await elsewhere.close();
  });

  it('says that a logout did not reach the server, and makes up for it', async () => {
    const { page } = await registered(context, url);
    const [cookie] = await context.cookies(`${system.url(8080)}/api/v1/auth`);
    proxy.cut(true);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('The server did not answer; it will be told').waitFor();
    proxy.cut(false);
    await page.reload();
    await expectOut(page);
    const again = await fetch(`${system.url(8080)}/api/v1/auth/refresh-token`, {
      method: 'POST',
      headers: { cookie: `refresh_token=${cookie?.value}` },
    });
    expect(again.status).toBe(401);
  });

  it('breaks none of its own content security policy, and runs nothing that is put into it', async () => {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (/Content Security Policy|TrustedHTML|TrustedScript/i.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    const person = newPerson();
    await page.goto(url);
    await fillRegistration(page, person, password);
    await submitRegistration(page);
    await expectIn(page, person);
    await addExpense(page, { amount: '5', category: 'Food', note: '<img src=x onerror=alert(1)>' });
    expect(complaints).toEqual([]);
    const ran = await page.evaluate(async () => {
      const attempts = [
        () => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.planted=1">'),
        () => document.body.append(Object.assign(document.createElement('script'), { text: 'window.planted=1' })),
        () => document.body.setAttribute('onclick', 'window.planted=1'),
      ];
      const refused = attempts.map((attempt) => {
        try {
          attempt();
          return false;
        } catch {
          return true;
        }
      });
      const sent = await fetch('http://127.0.0.1:9/').then(
        () => true,
        () => false,
      );
      return { refused, sent, planted: Reflect.get(window, 'planted') };
    });
    expect(ran).toEqual({ refused: [true, true, true], sent: false, planted: undefined });
    expect(complaints.length).toBeGreaterThan(2);
  });
});

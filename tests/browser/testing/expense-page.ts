/** The example as a person meets it: by its labels and names. */

import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

export const password = 'StrongPass123!';

export interface Person {
  readonly first: string;
  readonly last: string;
  readonly email: string;
}

let people = 0;
export const newPerson = (): Person => {
  people += 1;
  return { first: 'Ada', last: 'Lovelace', email: `ada${people}.${Date.now()}@example.org` };
};

export const fillRegistration = async (page: Page, { first, last, email }: Person, secret: string): Promise<void> => {
  await page.getByRole('button', { name: 'Create one' }).click();
  await page.getByLabel('First name').fill(first);
  await page.getByLabel('Last name').fill(last);
  const form = page.locator('#register-form');
  await form.getByLabel('E-mail').fill(email);
  await form.getByLabel('Password', { exact: true }).fill(secret);
};

export const submitRegistration = (page: Page) => page.getByRole('button', { name: 'Create account' }).click();

export const logIn = async (page: Page, email: string, secret = password): Promise<void> => {
  const form = page.locator('#login-form');
  await form.getByLabel('E-mail').fill(email);
  await form.getByLabel('Password', { exact: true }).fill(secret);
  await form.getByRole('button', { name: 'Log in' }).click();
};

/** The ledger with the person's name. */
export const expectIn = async (page: Page, { first, last }: Person): Promise<void> => {
  await page.getByRole('heading', { name: 'Expenses' }).waitFor();
  expect(await page.locator('#account-name').textContent()).toBe(`${first} ${last}`);
};

export const expectOut = (page: Page): Promise<void> =>
  page.locator('#login-form').getByRole('heading', { name: 'Log in' }).waitFor();

export interface Spending {
  readonly amount: string;
  readonly category: string;
  readonly note: string;
}

export const addExpense = async (page: Page, { amount, category, note }: Spending): Promise<void> => {
  await page.getByLabel(/^Amount in/).fill(amount);
  await page.getByLabel('Category', { exact: true }).selectOption({ label: category });
  await page.getByLabel(/^What for/).fill(note);
  await page.getByRole('button', { name: 'Add expense' }).click();
  await page.getByRole('listitem').filter({ hasText: note }).first().waitFor();
};

/** A page of a new person who has just registered. */
export const registered = async (context: BrowserContext, url: string): Promise<{ page: Page; person: Person }> => {
  const page = await context.newPage();
  const person = newPerson();
  await page.goto(url);
  await fillRegistration(page, person, password);
  await submitRegistration(page);
  await expectIn(page, person);
  return { page, person };
};

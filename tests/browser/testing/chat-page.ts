/** The chat as a person meets it: by its labels and names. */
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';

export const password = 'correct horse battery';

let people = 0;
export const newName = (name: string): string => {
  people += 1;
  return `${name}-${Date.now().toString(36)}${people}`;
};

const door = (page: Page, name: 'login' | 'register' | 'device') => page.locator(`#${name}-form`);

export const createAccount = async (page: Page, username: string): Promise<void> => {
  await page.getByRole('button', { name: 'Create one' }).click();
  await door(page, 'register').getByLabel('User name').fill(username);
  await door(page, 'register').getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
};

export const logIn = async (page: Page, username: string, secret = password): Promise<void> => {
  await door(page, 'login').getByLabel('User name').fill(username);
  await door(page, 'login').getByLabel('Password', { exact: true }).fill(secret);
  await door(page, 'login').getByRole('button', { name: 'Log in' }).click();
};

export const registerDevice = async (page: Page, deviceName: string): Promise<void> => {
  await door(page, 'device').getByLabel('Name of this device').fill(deviceName);
  await page.getByRole('button', { name: 'Register and log in' }).click();
};

/** Somebody's name stands at the side; on a phone it may be behind a room. */
export const expectIn = async (page: Page, username: string): Promise<void> => {
  await page.locator('#my-name', { hasText: username }).waitFor({ state: 'attached' });
  await page.waitForFunction(() => document.body.dataset['link'] === 'open');
};

export const expectOut = (page: Page): Promise<void> =>
  door(page, 'login').getByRole('heading', { name: 'Log in' }).waitFor();

/** A page of a new person who has just made an account. */
export const registered = async (
  context: BrowserContext,
  url: string,
  username = newName('ada'),
): Promise<{ readonly page: Page; readonly username: string }> => {
  const page = await context.newPage();
  await page.goto(url);
  await createAccount(page, username);
  await expectIn(page, username);
  return { page, username };
};

/** Returns the room's address. */
export const createRoom = async (page: Page, name: string): Promise<string> => {
  await page.getByRole('button', { name: 'New or join a room' }).click();
  await page.getByLabel('Name of the room').fill(name);
  await page.getByRole('button', { name: 'Make the room' }).click();
  await expectRoom(page, name);
  return page.url();
};

export const expectRoom = (page: Page, name: string): Promise<void> =>
  page.locator('#room').getByRole('heading', { name }).waitFor();

export const joinByLink = async (page: Page, link: string, name: string): Promise<void> => {
  await page.goto(link);
  await page.getByRole('button', { name: 'Join this room' }).click();
  await expectRoom(page, name);
};

export const write = async (page: Page, text: string): Promise<void> => {
  const field = page.getByLabel(/^Message to /);
  await field.fill(text);
  await field.press('Enter');
  await expectMessage(page, text);
};

export const expectMessage = (page: Page, text: string): Promise<void> =>
  page.locator('.words', { hasText: text }).first().waitFor();

export const messagesOf = (page: Page): Promise<readonly string[]> => page.locator('.words').allTextContents();

export const expectWhy = async (page: Page, text: RegExp): Promise<void> => {
  await page.getByRole('heading', { name: 'Why you were signed out' }).waitFor();
  expect(await page.locator('#why-text').textContent()).toMatch(text);
};

export const logOut = (page: Page): Promise<void> => page.getByRole('button', { name: 'Log out' }).click();

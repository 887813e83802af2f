import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TokenManager } from '@sallyport/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { openBrowser, openTab } from './cookie-browser.ts';

const root = new URL('../../', import.meta.url);
const copied = fileURLToPath(new URL('test-output/guide/cookie-or-token.ts', root));

const views = fileURLToPath(new URL('test-output/guide/views.ts', root));
const viewsOfThePage = `export const shown: string[] = [];
export const showLogin = (cause: string): void => void shown.push(\`login: \${cause}\`);
export const showApp = (): void => void shown.push('app');
`;

interface Page {
  readonly shown: readonly string[];
  readonly tokens: TokenManager;
  logIn(email: string, password: string): Promise<void>;
  whoAmI(): Promise<unknown>;
}

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa' });
});
afterAll(async () => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  rmSync(copied);
  rmSync(views);
  await issuer.remove();
});

it('the code of the guide, copied and pasted, logs in, asks, and says why it is out', async () => {
  const guide = readFileSync(new URL('docs/guides/cookie-or-token.md', root), 'utf8');
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(guide) ?? [];
  mkdirSync(new URL('test-output/guide/', root), { recursive: true });
  writeFileSync(views, viewsOfThePage);
  const exported = `${code}\nexport { logIn, tokens, whoAmI };\nexport { shown } from './views.ts';\n`;
  writeFileSync(copied, exported.replace('http://localhost:8080', issuer.url));
  const person = { email: 'guide@example.org', password: 'StrongPass123!', first_name: 'Ada', last_name: 'Lovelace' };
  await openTab(openBrowser(), issuer.url).tokens.signIn('register', person);
  const browser = openBrowser();
  vi.stubGlobal('localStorage', browser.storage);
  vi.stubGlobal('fetch', browser.fetch);
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const page = (await import(/* @vite-ignore */ copied)) as Page;
  expect(page.shown).toEqual(['login: no_session']);
  await page.logIn(person.email, person.password);
  expect(await page.whoAmI()).toMatchObject({ email: person.email });
  await page.tokens.logout();
  expect(await page.whoAmI()).toBeUndefined();
  expect(page.shown.slice(1)).toEqual(['app', 'login: signed_out']);
});

/** The hook with React itself: the component of client/README.md, copied and pasted, against a real issuer in cookie mode. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTokenManager, memoryStore, type TokenManager } from '@sallyport/client';
import { createElement, type FunctionComponent } from 'react';
import { renderToString } from 'react-dom/server';
import { createRoot } from 'test-renderer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { openBrowser, openTab } from './cookie-browser.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const output = join(root, 'test-output');
mkdirSync(output, { recursive: true });
const folder = mkdtempSync(join(output, 'react-'));

let issuer: Issuer;
let Session: FunctionComponent<{ readonly tokens: TokenManager }>;
beforeAll(async () => {
  const readme = readFileSync(join(root, 'client/README.md'), 'utf8');
  const [, code = ''] = /```ts\n((?:(?!```)[\s\S])*useSession[\s\S]*?)```/.exec(readme) ?? [];
  const path = join(folder, 'session.ts');
  writeFileSync(path, code);
  ({ Session } = (await import(/* @vite-ignore */ path)) as { Session: typeof Session });
  issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa' });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await issuer.remove();
});

const person = { email: 'react@example.org', password: 'StrongPass123!', first_name: 'Ada', last_name: 'Lovelace' };

it('shows the session as it begins and ends, here and by another tab', async () => {
  const browser = openBrowser();
  const [one, two] = [openTab(browser, issuer.url), openTab(browser, issuer.url)];
  const page = createRoot();
  let changes = 0;
  const stop = one.tokens.subscribe(() => {
    changes += 1;
  });
  const shown = () => JSON.stringify(page.container.toJSON());
  const showing = (text: string) => vi.waitFor(() => expect(shown()).toContain(text), 20_000);
  page.render(createElement(Session, { tokens: one.tokens }));
  // It has asked by itself: the browser has no cookie.
  await showing('no_session');
  await one.tokens.signIn('register', person);
  await showing('Log out');

  const before = changes;
  await one.tokens.refresh();
  expect(changes).toBe(before);

  await two.tokens.getAccessToken();
  await two.tokens.logout();
  await one.tokens.refresh().catch(() => undefined);
  await showing('signed_out_elsewhere');
  page.unmount();
  stop();
});

it('renders on a server, where nobody knows yet', () => {
  const tokens = createTokenManager({ authUrl: issuer.url, store: memoryStore() });
  expect(tokens.session()).toEqual({ status: 'signed_out', cause: 'no_session' });
  expect(renderToString(createElement(Session, { tokens }))).toBe('<p>One moment</p>');
});

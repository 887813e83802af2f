/** client/README.md: the snippets run, in a file of their own each. That all compile: tests/snippets. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApiClient, TokenManager } from '@sallyport/client';
import { afterAll, expect, it, vi } from 'vitest';
import { startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { startMicroservices } from '../testing/microservices.ts';
import { openBrowser } from './cookie-browser.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const snippetsOf = (file: string): readonly string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);

// Below the root, so that packages are found as they would be in a project.
const output = join(root, 'test-output');
mkdirSync(output, { recursive: true });
const folder = mkdtempSync(join(output, 'snippets-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a snippet as a file of its own, talking to a server of this test. */
const written = (name: string, code: string, origin = 'http://localhost:8080'): string => {
  const path = join(folder, `${name}.ts`);
  writeFileSync(path, code.replaceAll('http://localhost:8080', origin));
  return path;
};

const [session = '', cookieMode = '', , errors = ''] = snippetsOf('client/README.md');

it('logs in, reads, writes, and tells errors apart', async () => {
  const system = await startMicroservices();
  const person = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };
  await fetch(`${system.gateway.url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person),
  });
  const said = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  interface Session {
    readonly tokens: TokenManager;
    readonly api: ApiClient;
    readonly user: unknown;
    readonly payment: unknown;
  }
  const page = (await import(/* @vite-ignore */ written('session', session, system.gateway.url))) as Session;
  expect(page).toMatchObject({ user: { email: person.email }, payment: { currency: 'EUR' } });
  const { profileText } = (await import(/* @vite-ignore */ written('errors', errors))) as {
    profileText(api: ApiClient): Promise<string>;
  };
  expect(JSON.parse(await profileText(page.api))).toMatchObject({ email: person.email });
  for (const sdk of ['client', 'verify'])
    expect(
      await readMetric(system.issuer.privateUrl, 'sallyport_auth_sdk_requests_total', `{sdk="${sdk}",version="0.1"}`),
    ).toBeGreaterThan(0);
  await system.users.stop();
  expect(await profileText(page.api)).toMatch(/^upstream_\w+: again in (?:\d+|a while) s$/);
  await system.gateway.stop();
  expect(await profileText(page.api)).toBe('no connection: try again');
  await page.tokens.logout();
  expect(await profileText(page.api)).toBe('please log in');
  expect(said.mock.calls).toContainEqual(['signed out: signed_out']);
  await system.remove();
  vi.restoreAllMocks();
}, 60_000);

it('brings a session back from the cookie', async () => {
  const issuer = await startIssuer({ SALLYPORT_PRESET: 'cookie-spa' });
  const browser = openBrowser();
  vi.stubGlobal('localStorage', browser.storage);
  vi.stubGlobal('fetch', browser.fetch);
  const said = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  interface Page {
    readonly tokens: TokenManager;
    readonly isSignedIn: boolean;
  }
  const load = async (name: string) => (await import(/* @vite-ignore */ written(name, cookieMode, issuer.url))) as Page;
  const first = await load('first-visit');
  expect([first.isSignedIn, said.mock.calls]).toEqual([false, [['show the login: no_session']]]);
  const person = { email: 'page@example.org', password: 'StrongPass123!', first_name: 'Ada', last_name: 'Lovelace' };
  await first.tokens.signIn('register', person);
  expect((await load('reload')).isSignedIn).toBe(true);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await issuer.remove();
});

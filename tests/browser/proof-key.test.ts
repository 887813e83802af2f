/** docs/guides/device-proof.md in a real browser: the key lives in IndexedDB, over a reload and in every tab, and no script can take it along. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { newProofSigner } from '@sallyport/verify/testing/proofs';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceFolder } from '../testing/device-chat.ts';
import { usernameOf } from '../testing/devices.ts';
import { freePort } from '../testing/free-ports.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';
import { isMissing, launch } from './testing/chromium.ts';

/** The SDK as a page has it, set up as the guide says. */
const pageScript = `
import { createApiClient, createDevices, createTokenManager, indexedDbDeviceStore, localStorageStore } from '@sallyport/client';
import { openProofKey } from '@sallyport/client/proof-key';
globalThis.open = (authUrl) => {
  const store = indexedDbDeviceStore();
  const proofKey = openProofKey(store);
  const devices = createDevices({ authUrl, store, proofKey });
  const tokens = createTokenManager({ authUrl, store: localStorageStore(), proofKey });
  return { store, proofKey, devices, tokens, api: createApiClient({ baseUrl: authUrl, tokens }) };
};
`;

const startPage = async (): Promise<Server> => {
  const { outputFiles } = await build({
    stdin: { contents: pageScript, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    ...{ bundle: true, format: 'esm', target: 'es2022', write: false },
  });
  const script = outputFiles[0]?.text ?? '';
  const server = createServer((req, res) => {
    const isScript = req.url === '/page.js';
    res.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    res.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
};

describe.skipIf(isMissing())('a proof key in Chromium', () => {
  let issuer: Issuer;
  let browser: Browser;
  let server: Server;
  let authUrl: string;
  let pageUrl: string;

  beforeAll(async () => {
    server = await startPage();
    pageUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
    const port = await freePort();
    authUrl = `http://localhost:${port}/api/auth`;
    const settings = { AUTH_PORT: String(port), CORS_ORIGINS: pageUrl };
    [issuer, browser] = await Promise.all([startIssuer(settings, deviceFolder()), launch()]);
  });
  afterAll(async () => {
    server?.close();
    await browser?.close();
    await issuer?.remove();
  });

  /** Runs in the page; `open` gives the SDK. */
  const run = async <T>(page: Page, body: string): Promise<T> => {
    await page.waitForFunction('globalThis.open.length === 1');
    const script = `(async ({ store, proofKey, devices, tokens, api }) => { ${body} })(open(${JSON.stringify(authUrl)}))`;
    return page.evaluate<T>(script);
  };

  it('registers, logs in, survives a reload, is shared by the tabs, and stays behind when tokens are stolen', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(pageUrl);
    const person = newPerson();
    const credentials = JSON.stringify({ username: usernameOf(person), password: person.password });
    const type = await run(
      page,
      `await devices.register(${credentials}); return (await tokens.signIn('login', await devices.loginBody(${credentials}))).token_type;`,
    );
    expect(type).toBe('DPoP');
    const count = `return (await api.get('/devices')).devices.length;`;
    const thumbprint = await run(page, 'return proofKey.thumbprint();');
    await page.reload();
    expect(await run(page, `await tokens.refresh(); ${count}`)).toBe(1);
    const tab = await context.newPage();
    await tab.goto(pageUrl);
    expect(await run(tab, 'return proofKey.thumbprint();')).toBe(thumbprint);
    expect(await run(tab, count)).toBe(1);

    const exported = await run(
      page,
      `const { privateKey } = await store.readProofKey();
       return crypto.subtle.exportKey('jwk', privateKey).then(() => 'exported', (error) => error.name);`,
    );
    expect(exported).toBe('InvalidAccessError');
    const [access, refresh] = await page.evaluate<string[]>(
      `[localStorage.getItem('access_token'), localStorage.getItem('refresh_token')]`,
    );
    const call = httpClient(issuer.url);
    const thief = newProofSigner();
    const headers = { authorization: `DPoP ${access}`, dpop: thief.prove('GET', `${authUrl}/devices`, access) };
    expectProblem(await call('GET', '/api/auth/devices', { headers }), 'proof_invalid');
    expectProblem(await call('GET', '/api/auth/devices', { bearer: access ?? '' }), 'proof_required');
    const dpop = thief.prove('POST', `${authUrl}/refresh`);
    const stolen = await call('POST', '/api/auth/refresh', { body: { refresh_token: refresh }, headers: { dpop } });
    expectProblem(stolen, 'proof_required');
    expect(await run(page, `await tokens.refresh(); ${count}`)).toBe(1);
    await context.close();
  });
});

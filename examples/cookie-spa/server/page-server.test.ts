import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '@sallyport/example-kit/run';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPageServer } from './page-server.ts';

const ada = '018f0000-0000-7000-8000-00000000000a';
const grace = '018f0000-0000-7000-8000-00000000000b';
const folder = mkdtempSync(join(tmpdir(), 'sallyport-page-'));
let issuer: Server;
let server: RunningServer;

/** Stands for the issuer's `GET /me`, whose answers the whole-system tests prove. */
const people: Readonly<Record<string, string>> = { 'Bearer token-of-ada': ada, 'Bearer token-of-grace': grace };

beforeAll(async () => {
  issuer = createServer((incoming, outgoing) => {
    const id = people[incoming.headers.authorization ?? ''];
    const known = incoming.url === '/api/v1/auth/me' && id !== undefined;
    if (incoming.headers.authorization === 'Bearer breaks') return outgoing.writeHead(500).end('<h1>');
    outgoing.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    return outgoing.end(JSON.stringify(known ? { user: { id } } : { code: 'token_expired' }));
  });
  await once(issuer.listen(0, '127.0.0.1'), 'listening');
  const { port } = issuer.address() as AddressInfo;
  server = await startPageServer({
    PAGE_PORT: String(randomInt(20_000, 28_000)),
    AUTH_SERVICE_URL: `http://127.0.0.1:${port}`,
    SALLYPORT_DATA_DIR: folder,
    LOG_LEVEL: 'silent',
  });
});
afterAll(async () => {
  await server.stop();
  issuer.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends the target as it stands: no URL parser comes near it. */
const send = (
  method: string,
  path: string,
  headers: Record<string, string | string[]> = {},
  body?: string,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(server.urls.public);
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { host: '127.0.0.1', port, method, path, agent: false, headers: { ...json, ...headers } };
    const outgoing = request({ ...options, setDefaultHeaders: true }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
    });
    outgoing.on('error', reject).end(body);
  });
const onLocalhost = { host: 'localhost:3000' };
const asAda = { authorization: 'Bearer token-of-ada' };
const expense = (changed: object = {}) =>
  JSON.stringify({ day: '2026-11-22', amount_minor: 1250, category: 'food', note: 'Lunch', ...changed });

describe('the page', () => {
  it('comes whole, with a policy that allows nothing inline, and is not kept', async () => {
    const page = await send('GET', '/', onLocalhost);
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:/);
    expect(page.text).not.toMatch(/\{\{|<script>|<style|\son\w+=| style=/);
    const assets = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets.length).toBeGreaterThanOrEqual(4);
    for (const path of assets) {
      const asset = await send('GET', path);
      expect([path, asset.status, asset.headers['x-content-type-options']]).toEqual([path, 200, 'nosniff']);
    }
  });

  it('answers HEAD without a body, and no other method', async () => {
    expect(await send('HEAD', '/', onLocalhost)).toMatchObject({ status: 200, text: '' });
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const refused = await send(method, '/');
      expect([method, refused.status, refused.headers['allow']]).toEqual([method, 405, 'GET, HEAD']);
    }
  });

  it.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/servers.json',
    '/assets/../../main.ts',
    '/assets/..%5c..%5cmain.ts',
    '//etc/passwd',
    '/index.html',
    '/main.ts',
    '/.env',
    '/assets/',
    '/icon.svg%00.html',
  ])('has no file under %s', async (path) => {
    const answer = await send('GET', path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('sends whoever comes by address to the name that the issuer knows', async () => {
    const moved = await send('GET', '/');
    expect([moved.status, moved.headers['location']]).toEqual([307, `${server.urls.public}/`]);
  });

  it('answers /health and /ready, and metrics on the private listener only', async () => {
    for (const path of ['/health', '/ready']) expect((await send('GET', path)).status).toBe(200);
    expect((await send('GET', '/metrics')).status).toBe(404);
    expect(await (await fetch(`${server.urls.private}/metrics`)).text()).toContain('http_requests_total');
  });
});

describe('the expenses', () => {
  it('belong to whom the issuer names, and to nobody else', async () => {
    const added = await send('POST', '/api/expenses', asAda, expense());
    expect(added.status).toBe(201);
    const { id } = (JSON.parse(added.text) as { expense: { id: string } }).expense;
    const asGrace = { authorization: 'Bearer token-of-grace' };
    const list = async (headers: Record<string, string>) =>
      JSON.parse((await send('GET', '/api/expenses?month=2026-11', headers)).text) as { expenses: unknown[] };
    expect((await list(asAda)).expenses).toMatchObject([{ id, amount_minor: 1250, note: 'Lunch' }]);
    expect((await list(asGrace)).expenses).toEqual([]);
    expect((await send('DELETE', `/api/expenses/${id}`, asGrace)).status).toBe(404);
    expect((await send('DELETE', `/api/expenses/${id}`, asAda)).status).toBe(204);
    expect((await list(asAda)).expenses).toEqual([]);
  });

  it.each([
    ['without a token', {}, 401, 'token_missing'],
    ['with a cookie instead', { cookie: 'access_token=token-of-ada' }, 401, 'token_missing'],
    ['with another scheme', { authorization: 'Basic token-of-ada' }, 401, 'authorization_malformed'],
    ['with a token that the issuer refuses', { authorization: 'Bearer old' }, 401, 'token_expired'],
    ['while the issuer cannot say', { authorization: 'Bearer breaks' }, 502, 'upstream_unavailable'],
  ])('are refused %s', async (_name, headers, status, code) => {
    const calls = [
      send('GET', '/api/expenses?month=2026-11', headers),
      send('POST', '/api/expenses', headers, expense()),
      send('DELETE', `/api/expenses/${ada}`, headers),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.text)).toMatchObject({ code });
    }
  });

  it.each([
    ['a day that does not exist', { day: '2026-02-30' }],
    ['a fraction', { amount_minor: 12.5 }],
    ['nothing spent', { amount_minor: 0 }],
    ['an amount as text', { amount_minor: '1250' }],
    ['an unknown category', { category: 'bribes' }],
    ['a note with a control character', { note: 'a\u0000b' }],
    ['a note without end', { note: 'x'.repeat(81) }],
    ['somebody in whose name', { user_id: grace }],
  ])('cannot be %s', async (_name, changed) => {
    expect((await send('POST', '/api/expenses', asAda, expense(changed))).status).toBe(400);
  });

  it('are in no cache, and not answered to two tokens at once', async () => {
    const list = (authorization: string | string[]) => send('GET', '/api/expenses?month=2026-11', { authorization });
    expect((await list('Bearer token-of-ada')).headers['cache-control']).toBe('no-store');
    const doubled = await list(['Bearer token-of-ada', 'Bearer token-of-grace']);
    expect(doubled.status).toBe(401);
    expect(doubled.text).toContain('authorization_malformed');
  });

  it('are asked for month by month', async () => {
    for (const query of ['', '?month=2026-13', "?month=2026-11'--", '?month=2026-11&month=2026-12'])
      expect((await send('GET', `/api/expenses${query}`, asAda)).status).toBe(400);
  });
});

it('refuses to start with a port that does not exist', async () => {
  await expect(startPageServer({ PAGE_PORT: '70000' })).rejects.toThrow('PAGE_PORT must be a whole number');
  await expect(startPageServer({ AUTH_SERVICE_URL: 'file:///etc' })).rejects.toThrow('AUTH_SERVICE_URL');
});

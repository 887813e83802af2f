import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { environmentOf, lives, startReady, stopEverything } from './testing/started.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('npm start -- cookie-spa', () => {
  afterEach(stopEverything);

  it('comes up with issuer and page, names both, and stops without a trace', async () => {
    const system = await startReady({ preset: 'cookie-spa' });
    for (const port of [8080, 3000]) {
      expect(system.output()).toContain(system.url(port));
      expect((await fetch(`${system.url(port)}/ready`)).status).toBe(200);
      expect((await fetch(`${system.url(port + 1000)}/metrics`)).status).toBe(200);
    }
    const servers = system.servers();
    expect([...servers.keys()].sort()).toEqual(['auth/main', 'cookie-spa/main']);
    system.child.kill('SIGTERM');
    expect(await system.ended).toBe(0);
    expect([...servers.values()].filter(lives)).toEqual([]);
    for (const port of [8080, 3000]) await expect(fetch(`${system.url(port)}/health`)).rejects.toThrow();
  });

  it('lets the page call the issuer wherever the offset puts both, and no other page', async () => {
    const system = await startReady({ preset: 'cookie-spa' });
    const page = new URL(system.url(3000)).origin;
    const html = await (await fetch(`${system.url(3000)}/`)).text();
    expect(html).toContain(`<meta name="auth-url" content="${system.url(8080)}/api/v1/auth">`);
    const refresh = (origin: string) =>
      fetch(`${system.url(8080)}/api/v1/auth/refresh-token`, { method: 'POST', headers: { origin } });
    const own = await refresh(page);
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([401, page]);
    // Without the offset it would be somebody else's page.
    expect((await refresh('http://localhost:3000')).status).toBe(403);
  });

  it('gives the page no secret', async () => {
    const given = { JWT_SECRET: 'g'.repeat(40) };
    const system = await startReady({ preset: 'cookie-spa', env: given });
    const told = environmentOf(system.servers().get('cookie-spa/main') ?? 0);
    expect(Object.keys(told).filter((name) => /SECRET|KEY/.test(name))).toEqual([]);
    expect(Object.values(told).join('\n')).not.toContain(given.JWT_SECRET);
    const secrets = join(system.dataDir, 'secrets');
    const made = readdirSync(secrets).map((name) => readFileSync(join(secrets, name), 'utf8').trim());
    expect(readdirSync(secrets).sort()).toEqual(['CSRF_KEYS', 'REFRESH_SECRET', 'SALLYPORT_ROOT_KEYS']);
    for (const secret of made) expect(JSON.stringify(told)).not.toContain(secret);
  });

  it('serves Safari, which takes no Secure cookie from http, with COOKIE_SECURE=off', async () => {
    const system = await startReady({ preset: 'cookie-spa', env: { COOKIE_SECURE: 'off' } });
    const answer = await fetch(`${system.url(8080)}/api/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"email":"a@example.org","password":"StrongPass123!","first_name":"Ada","last_name":"Lovelace"}',
    });
    expect(answer.status).toBe(201);
    for (const cookie of answer.headers.getSetCookie()) expect(cookie).not.toMatch(/secure/i);
    expect(system.output()).toMatch(/COOKIE_SECURE/);
  });
});

import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { environmentOf, lives, newFolder, startReady, stopEverything } from './testing/started.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const client = join(import.meta.dirname, '../../examples/device-chat/clients/login.ts');

describe('npm start -- device-chat', () => {
  afterEach(stopEverything);

  it('comes up with issuer and chat, an RSA key of its own, and a client without a browser that chats; stops without a trace', async () => {
    const system = await startReady({ preset: 'device-chat' });
    for (const port of [8080, 8081, 3000]) {
      expect((await fetch(`${system.url(port)}/ready`)).status).toBe(200);
      expect((await fetch(`${system.url(port + 1000)}/metrics`)).status).toBe(200);
    }
    const servers = system.servers();
    expect([...servers.keys()].sort()).toEqual(['auth/main', 'device-chat/main', 'page-server/main']);
    const key = join(system.dataDir, 'secrets', 'JWT_PRIVATE_KEY_PATH');
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(environmentOf(servers.get('auth/main') ?? 0)['JWT_PRIVATE_KEY_PATH']).toBe(key);
    expect(system.output()).toMatch(new RegExp(`^  page +${system.url(3000)} `, 'm'));
    const page = await (await fetch(system.url(3000))).text();
    expect(page).toContain(`content="${system.url(8080)}/api/auth"`);
    expect(page).toContain(`content="${system.url(8081)}/api"`);
    // The page may call both, wherever the offset puts it, and no other page may.
    for (const target of [`${system.url(8080)}/api/auth/devices`, `${system.url(8081)}/api/rooms`]) {
      const asked = async (origin: string): Promise<string | null> => {
        const headers = {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization',
        };
        return (await fetch(target, { method: 'OPTIONS', headers })).headers.get('access-control-allow-origin');
      };
      expect(await asked(system.url(3000))).toBe(system.url(3000));
      expect(await asked('http://evil.example')).toBeNull();
    }
    const secrets = Object.keys(environmentOf(servers.get('page-server/main') ?? 0));
    expect(secrets.filter((name) => /SECRET|KEY|TOKEN/.test(name))).toEqual([]);
    const told = environmentOf(servers.get('device-chat/main') ?? 0);
    const own = Object.keys(told).filter(
      (name) => /SECRET|KEY|TOKEN/.test(name) && name !== 'JWT_PUBLIC_KEY_FETCH_RETRY',
    );
    expect(own).toEqual(['REVOCATION_FEED_TOKEN_FILE']);

    const cwd = newFolder();
    const login = (): string =>
      execFileSync(
        process.execPath,
        [client, '--issuer', system.url(8080), '--username', 'ada', '--password', 'correct horse battery'],
        { encoding: 'utf8', cwd },
      ).trim();
    // Registers the device at the first run, and finds its key at the second.
    const [first, token] = [login(), login()];
    expect(token).not.toBe(first);
    const created = await fetch(`${system.url(8081)}/api/rooms/create`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Lobby' }),
    });
    expect(created.status).toBe(200);
    system.child.kill('SIGTERM');
    expect(await system.ended).toBe(0);
    expect([...servers.values()].filter(lives)).toEqual([]);
  });
});

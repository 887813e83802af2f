import { afterEach, describe, expect, it, vi } from 'vitest';
import { environmentOf, lives, startReady, stopEverything } from './testing/started.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('npm start -- event-driven', () => {
  afterEach(stopEverything);

  it('comes up with nothing installed, makes a profile from a registration, and stops without a trace', async () => {
    const system = await startReady({ preset: 'event-driven' });
    for (const port of [8080, 8081, 8082]) {
      expect(system.output()).toContain(system.url(port));
      expect((await fetch(`${system.url(port)}/ready`)).status).toBe(200);
    }
    const servers = system.servers();
    expect([...servers.keys()].sort()).toEqual(['auth/main', 'event-driven/main', 'gateway/main']);
    const secretsOf = (server: string) =>
      Object.keys(environmentOf(servers.get(server) ?? 0)).filter((name) => /SECRET|KEYS|TOKEN/.test(name));
    expect(secretsOf('event-driven/main').sort()).toEqual(['GATEWAY_ASSERTION_KEYS_FILE', 'WEBHOOK_SECRETS_FILE']);
    expect(secretsOf('gateway/main')).not.toContain('WEBHOOK_SECRETS_FILE');

    const post = (path: string, body: object) =>
      fetch(`${system.url(8080)}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const person = { email: 'ada@example.com', password: 'correct horse battery' };
    expect((await post('/register', { ...person, name: 'Ada' })).status).toBe(201);
    const { access_token: token } = (await (await post('/login', person)).json()) as { access_token: string };
    const profile = () => fetch(`${system.url(8080)}/profile`, { headers: { authorization: `Bearer ${token}` } });
    await expect.poll(async () => (await profile()).status, { timeout: 20_000 }).toBe(200);
    expect(await (await profile()).json()).toMatchObject({ profile: { email: 'ada@example.com', name: 'Ada' } });

    system.child.kill('SIGTERM');
    expect(await system.ended).toBe(0);
    expect([...servers.values()].filter(lives)).toEqual([]);
  });
});

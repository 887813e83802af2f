import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMariaDbMissing, startMariaDb } from '@sallyport/storage/mysql/testing';
import { inMySql } from '@sallyport/storage/mysql/testing/raw';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { environmentOf, lives, sallyport, startReady, stopEverything } from './testing/started.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('npm start -- edge-gateway', () => {
  afterEach(stopEverything);

  it('comes up with gateway, issuer and backend under the names of its contract, serves, and stops without a trace', async () => {
    // As an operator of the original has them.
    const env = {
      JWT_ALGORITHM: 'RS256',
      JWT_EXPIRATION_MINUTES: '5',
      JWT_REFRESH_EXPIRATION_DAYS: '2',
      JWT_REFRESH_ROTATION_ENABLED: 'true',
    };
    const auditStore = isMariaDbMissing() ? undefined : await startMariaDb();
    onTestFinished(() => auditStore?.stop());
    if (auditStore !== undefined) Object.assign(env, { AUDIT_DATABASE_URL: auditStore.url });
    const system = await startReady({ preset: 'edge-gateway', env });
    const where =
      auditStore === undefined ? 'sessions and audit too' : 'audit in the database that AUDIT_DATABASE_URL names';
    expect(system.output()).toContain(where);
    for (const port of [8080, 8081, 8082]) {
      expect(system.output()).toContain(system.url(port));
      expect((await fetch(`${system.url(port)}/ready`)).status).toBe(200);
      expect((await fetch(`${system.url(port + 1000)}/metrics`)).status).toBe(200);
    }
    const servers = system.servers();
    expect([...servers.keys()].sort()).toEqual(['auth/main', 'edge-gateway/main', 'gateway/main']);

    const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
      fetch(`${system.url(8080)}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    const [email, password] = ['ada@example.com', 'correct horse battery'];
    // The command on the host knows the preset by the data folder.
    const made = sallyport(
      ['users', 'create', email, '--name', 'Ada', '--role', 'admin'],
      { SALLYPORT_DATA_DIR: system.dataDir },
      { input: password },
    );
    expect(made.status).toBe(0);
    const login = (await (await post('/auth/login', { email, password })).json()) as Record<string, unknown>;
    expect(login['expires_in']).toBe(300);
    const headers = { authorization: `Bearer ${String(login['access_token'])}` };
    const summary = await fetch(`${system.url(8080)}/api/admin/summary`, { headers });
    expect([summary.status, await summary.json()]).toEqual([200, { documents: 0, owners: 0 }]);

    const told = environmentOf(servers.get('edge-gateway/main') ?? 0);
    expect(Object.keys(told).filter((name) => /SECRET|KEYS|TOKEN/.test(name))).toEqual(['GATEWAY_ASSERTION_KEYS_FILE']);
    expect(readdirSync(join(system.dataDir, 'secrets'))).toContain('backend.GATEWAY_ASSERTION_KEYS');
    system.child.kill('SIGTERM');
    expect(await system.ended).toBe(0);
    expect([...servers.values()].filter(lives)).toEqual([]);
    if (auditStore === undefined) return;
    // A stop leaves nothing behind that could still be carried.
    const rows = await inMySql(auditStore.url, "SELECT event_type, place FROM audit_logs WHERE event_type = 'login'");
    expect(rows).toEqual([{ event_type: 'login', place: expect.any(Number) }]);
  });
});

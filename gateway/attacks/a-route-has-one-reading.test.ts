import { describe, expect, it } from 'vitest';
import type { start } from '../server.ts';
import {
  bearer,
  problemOf,
  type Rig,
  seenBy,
  send,
  sendRaw,
  startGatewayWithRoutes,
  statusesOf,
} from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

/** A public door with a guarded room behind it: whoever finds a second spelling of the room is in. */
const table = (url: string) => ({
  version: 1,
  services: [{ id: 'shop', url }],
  routes: [
    { path: '/*', service: 'shop', access: 'public' },
    { path: '/open/*', service: 'shop', access: 'public', stripPrefix: '/open' },
    { path: '/admin', service: 'shop', access: 'required', roles: ['admin'] },
    { path: '/admin/*', service: 'shop', access: 'required', roles: ['admin'] },
    { path: '/read', methods: ['GET', 'HEAD'], service: 'shop', access: 'public' },
    { path: '/read', methods: ['DELETE', 'POST', 'PUT', 'PATCH', 'OPTIONS'], service: 'shop', access: 'required' },
    { path: '/site/*', hosts: ['admin.example'], service: 'shop', access: 'required' },
    { path: '/site/*', hosts: ['www.example'], service: 'shop', access: 'public' },
    { path: '/site/*', service: 'shop', access: 'required' },
  ],
});

const startWith = (begin?: typeof start): Promise<Rig> => startGatewayWithRoutes(table, {}, begin);

const spellings = [
  '/admin/',
  '//admin',
  '/open//admin',
  '/open/../admin',
  '/open/..%2fadmin',
  '/open/%2e%2e/admin',
  '/./admin',
  '/%61dmin',
  '/adm%69n/users',
  '/admin%2fusers',
  '/admin;x=1/users',
  '/admin\\users',
  '/admin%00',
  '/admin%20/../admin',
  '/open/..;/admin',
  '/admin#',
  'http://other.example/admin',
];

describe('a path', () => {
  it('has no second spelling that a looser rule takes', async () => {
    const gateway = await startWith();
    for (const path of spellings) {
      const raw = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      const statuses = statusesOf(await sendRaw(gateway, raw));
      expect([path, statuses]).toEqual([path, [400]]);
    }
    for (const path of ['/admin', '/admin/users', '/admin?x=/open/y', 'http://localhost/admin']) {
      const raw = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      expect([path, statusesOf(await sendRaw(gateway, raw))]).toEqual([path, [401]]);
    }
  });

  it('is another one in another case: it goes where the table says, and what is told to the service is what was judged', async () => {
    const gateway = await startWith();
    const seen = seenBy(await send(gateway, '/ADMIN/users'));
    expect(seen.target).toBe('/ADMIN/users');
    expect(seen.lines.some(([name]) => name.toLowerCase() === 'x-user-id')).toBe(false);
  });

  it('below a stripped prefix is judged by the whole path, not by what is left of it', async () => {
    const gateway = await startWith();
    const answer = await send(gateway, '/open/admin/users');
    // The table forwards it as public, so the service is told that nobody was identified.
    expect(seenBy(answer).target).toBe('/admin/users');
    expect(JSON.stringify(seenBy(answer).lines)).not.toContain('X-User-Id');
  });
});

describe('a method', () => {
  it('opens nothing by its spelling, by an override, or by being unknown', async () => {
    const gateway = await startWith();
    for (const method of ['DELETE', 'POST', 'OPTIONS'])
      expect((await send(gateway, '/read', { method })).status).toBe(401);
    for (const method of ['TRACE', 'PROPFIND', 'PURGE', 'SEARCH']) {
      expect((await send(gateway, '/read', { method })).status).toBe(405);
    }
    for (const name of ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method']) {
      const seen = seenBy(await send(gateway, '/read', { headers: { [name]: 'DELETE' } }));
      expect([seen.method, JSON.stringify(seen.lines)]).toEqual(['GET', expect.not.stringContaining('DELETE')]);
    }
    const lower = await sendRaw(gateway, 'delete /read HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(statusesOf(lower)).toEqual([400]);
  });
});

describe('a host', () => {
  const at = async (gateway: Rig, ...lines: readonly string[]) => {
    const raw = `GET /site/a HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`;
    return statusesOf(await sendRaw(gateway, raw));
  };

  it('is the one Host field, whatever else a request names', async () => {
    const gateway = await startWith();
    expect(await at(gateway, 'Host: www.example')).toEqual([200]);
    expect(await at(gateway, 'Host: admin.example')).toEqual([401]);
    expect(await at(gateway, 'Host: admin.example', 'X-Forwarded-Host: www.example')).toEqual([401]);
    expect(await at(gateway, 'Host: admin.example', 'Forwarded: host=www.example')).toEqual([401]);
    expect(await at(gateway, 'Host: admin.example', 'Host: www.example')).toEqual([400]);
    expect(await at(gateway, 'Host: www.example, admin.example')).toEqual([400]);
    expect(await at(gateway, 'Host: user@www.example')).toEqual([400]);
    expect(await at(gateway, 'Host: www.example/x')).toEqual([400]);
    const absolute = 'GET http://www.example/site/a HTTP/1.1\r\nHost: admin.example\r\nConnection: close\r\n\r\n';
    expect(statusesOf(await sendRaw(gateway, absolute))).toEqual([400]);
  });

  it('that nobody named gets the rule for all', async () => {
    const gateway = await startWith();
    for (const host of [
      'www.example.evil',
      'xwww.example',
      'www',
      'localhost',
      '127.0.0.1',
      '[::1]:80',
      'www.example..',
    ]) {
      expect([host, await at(gateway, `Host: ${host}`)]).toEqual([host, [401]]);
    }
    for (const host of ['WWW.example', 'www.example:8080', 'www.example.']) {
      expect([host, await at(gateway, `Host: ${host}`)]).toEqual([host, [200]]);
    }
  });
});

describe('a role', () => {
  it('cannot be had by naming it, only by a token that holds it', async () => {
    const gateway = await startWith();
    const headers = { ...bearer(), 'x-roles': 'admin', 'X-Permissions': 'admin' };
    const answer = await send(gateway, '/admin/users?roles=admin', { headers });
    expect([answer.status, problemOf(answer)['code']]).toEqual([403, 'permission_denied']);
    expect((await send(gateway, '/admin/users', { headers: bearer({ role: 'admin', scope: 'admin' }) })).status).toBe(
      403,
    );
    expect((await send(gateway, '/admin/users', { headers: bearer({ roles: ['admin'] }) })).status).toBe(200);
  });
});

describe('is known to be able to fail', () => {
  it('where the first rule that fits is taken instead of the most exact one, the guarded room is open', async () => {
    const sabotage = {
      file: 'route-table.ts',
      find: '.sort((a, b) => b.prefix.length - a.prefix.length)',
      replace: '.sort((a, b) => a.prefix.length - b.prefix.length)',
    };
    await withSabotage(sabotage, async (begin) => {
      expect((await send(await startWith(begin), '/admin/users')).status).toBe(200);
    });
  });

  it('where roles are not asked for, everybody is an administrator', async () => {
    const sabotage = {
      file: 'steps/authorise.ts',
      find: 'if (roles !== undefined && !hasNames(claims?.roles, roles))',
      replace: 'if (roles !== undefined && false)',
    };
    await withSabotage(sabotage, async (begin) => {
      expect((await send(await startWith(begin), '/admin/users', { headers: bearer() })).status).toBe(200);
    });
  });
});

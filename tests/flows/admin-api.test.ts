/** The admin API over real HTTP: what an operator may do on the host, a service with a credential may do from elsewhere. */

import { feedTokenOf } from '@sallyport/auth/maintenance';
import { createProgram } from '@sallyport/cli';
import { adminRoutes, credentialErrors } from '@sallyport/contract/admin-routes';
import { commonErrors } from '@sallyport/contract/routes';
import { openRevocationFeed } from '@sallyport/verify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sallyport } from '../start/testing/started.ts';
import { compileCache } from '../testing/child-server.ts';
import { openDesk, type TestCredential, type TestDesk } from '../testing/credentials.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const patience = { timeout: 20_000, interval: 50 } as const;
const base = '/v1/admin';

let issuer: Issuer;
let desk: TestDesk;
let call: Call;
let credential: TestCredential;

beforeAll(async () => {
  issuer = await startIssuer({ ADMIN_PORT: '0', JWT_ALGORITHM: 'ES256', EVENT_RELAY: 'off' });
  desk = await openDesk(issuer.folder);
  call = httpClient(issuer.url);
  credential = await desk.create();
});
afterAll(async () => {
  await desk.close();
  await issuer.remove();
});

const routeOf = (method: string, path: string) => {
  const isOf = (one: string) => new RegExp(`^${one.replace(/:\w+/g, '[^/]+')}$`).test(path.split('?')[0] ?? '');
  const fitting = adminRoutes.filter((route) => route.method === method && isOf(route.path));
  return fitting.find((route) => !route.path.includes(':')) ?? fitting[0];
};
/** Whatever a route refuses, it has declared. */
const admin = async (method: string, path: string, body?: unknown): Promise<Answer> => {
  const answer = await httpClient(issuer.adminUrl)(method, `${base}${path}`, {
    bearer: credential.token,
    ...(body !== undefined && { body }),
  });
  const declared: readonly string[] = [...(routeOf(method, path)?.errors ?? []), ...commonErrors, ...credentialErrors];
  if (answer.status >= 400) expect(declared, `${method} ${path}`).toContain(answer.body['code']);
  return answer;
};
const ok = async (answer: Promise<Answer>, status = 200) => {
  const { status: found, text, body } = await answer;
  expect([found, found === status ? '' : text]).toEqual([status, '']);
  return body as Readonly<Record<string, never>>;
};
const recordsOf = async (where: string) =>
  issuer.folder.database.query(`SELECT event_type, actor, details FROM audit WHERE ${where} ORDER BY effect_id`);

/** In this process: another one for each would take most of the test's time. */
const run = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
  let printed = '';
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await createProgram(() => undefined).parseAsync([...args], { from: 'user' });
    return printed;
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : ''}`;
  } finally {
    write.mockRestore();
    vi.unstubAllEnvs();
  }
};
const there = (args: readonly string[]) =>
  run([...args, '--url', issuer.adminUrl], { ADMIN_CREDENTIAL: credential.token });
const here = (args: readonly string[]) =>
  run(args, { ...issuer.folder.settings, JWT_ALGORITHM: 'ES256', EVENT_RELAY: 'off' });

describe('accounts', () => {
  it('are made with roles, shown, changed, disabled, enabled and deleted, and every act names the credential', async () => {
    const { email, password, name } = newPerson();
    const body = { identifier: email, password, name, roles: ['support'], permissions: ['tickets:read'] };
    const made = (await ok(admin('POST', '/users', body), 201))['user'] as unknown as Record<string, unknown>;
    expect(made).toMatchObject({ email, name, roles: ['support'], permissions: ['tickets:read'], state: 'enabled' });
    const path = `/users/${String(made['id'])}`;
    expect(await ok(admin('GET', path))).toEqual({ user: made });
    expectProblem(await admin('POST', '/users', body), 'account_exists');
    const who = await login(call, { email, password, name });
    const verify = async (bearer: string) => (await call('GET', '/auth/verify', { bearer })).status;
    expect(await verify(who.access)).toBe(200);

    const changed = await ok(admin('PUT', `${path}/roles`, { roles: ['user'], permissions: [] }));
    expect(changed['user']).toMatchObject({ roles: ['user'], permissions: [] });
    expect(await ok(admin('POST', `${path}/disable`))).toMatchObject({ user: { state: 'disabled' } });
    expect(await verify(who.access)).toBe(401);
    expect(await ok(admin('POST', `${path}/enable`))).toMatchObject({ user: { state: 'enabled' } });
    expect(await ok(admin('DELETE', path))).toEqual({ deleted: true });
    for (const again of [admin('GET', path), admin('POST', `${path}/enable`), admin('DELETE', path)])
      expectProblem(await again, 'not_found');

    const acts = async () =>
      (await recordsOf(`user_id = '${String(made['id'])}' AND actor = '${credential.id}'`)).map(
        (row) => row['event_type'],
      );
    await expect
      .poll(acts, patience)
      .toEqual([
        ...['register', 'roles_changed', 'admin_read', 'roles_changed', 'account_disabled', 'account_enabled'],
        ...['account_deleted', 'revoke'],
      ]);
  });

  it('are listed and searched page by page', async () => {
    const prefix = `find%_${newPerson().email.slice(0, 8)}`;
    const emails = ['a', 'b', 'c'].map((end) => `${prefix}-${end}@example.org`);
    for (const email of emails) await signUp(call, newPerson({ email }));
    const pages = async (query: string): Promise<string[]> => {
      const found: string[] = [];
      for (let after = ''; ; ) {
        const { users, next } = (await ok(admin('GET', `/users?limit=2${query}${after}`))) as unknown as {
          readonly users: readonly { readonly email: string }[];
          readonly next?: string;
        };
        found.push(...users.map(({ email }) => email));
        if (next === undefined) return found;
        after = `&after=${encodeURIComponent(next)}`;
      }
    };
    expect(await pages(`&search=${encodeURIComponent(prefix.toUpperCase())}`)).toEqual(emails);
    expect(await pages('')).toEqual(expect.arrayContaining(emails));
    for (const query of ['limit=0', 'limit=1001', 'after=x', 'search=', 'nope=1', 'limit=1&limit=2', 'search=%00'])
      expectProblem(await admin('GET', `/users?${query}`), 'query_invalid');
    // Nobody's name outlives his erasure in a record of who was searched for.
    const searched = async () =>
      (await recordsOf("event_type = 'admin_read'")).map(({ details }) => String(details)).join('\n');
    await expect.poll(searched, patience).toContain('"search":true');
    expect((await searched()).toLowerCase()).not.toContain(prefix.slice(6));
  });

  it('say what is wrong with a new one in the terms of its own body', async () => {
    const { email, password } = newPerson();
    expectProblem(await admin('POST', '/users', { identifier: 'nobody', password }), 'email_invalid');
    expectProblem(await admin('POST', '/users', { identifier: email, password: 'short' }), 'password_too_short');
    expectProblem(await admin('POST', '/users', { identifier: email }), 'field_missing');
    expectProblem(await admin('POST', '/users', { identifier: email, password, roles: ['a b'] }), 'field_invalid');
    expectProblem(await admin('POST', '/users', { identifier: email, password, admin: true }), 'body_invalid');
  });
});

describe('sessions', () => {
  it('are listed and ended, one and all, and whoever hears the revocation feed refuses them', async () => {
    const first = await signUp(call);
    const second = await login(call, first.person);
    const feed = openRevocationFeed({
      url: `${issuer.privateUrl}/v1/revocations`,
      token: feedTokenOf('admin-test', issuer.folder.settings),
      issuer: String(decodeToken(first.access).claims['iss']),
    });
    try {
      const path = `/users/${first.userId}/sessions`;
      const { sessions } = (await ok(admin('GET', path))) as unknown as {
        readonly sessions: readonly { id: string }[];
      };
      const sidOf = (access: string) => String(decodeToken(access).claims['sid']);
      expect(sessions.map(({ id }) => id)).toEqual([sidOf(second.access), sidOf(first.access)]);

      expect(await ok(admin('DELETE', `/sessions/${sidOf(first.access)}`))).toEqual({ ended: true });
      expectProblem(await admin('DELETE', `/sessions/${sidOf(first.access)}`), 'session_unknown');
      const isRevoked = (access: string) => {
        const { header, claims } = decodeToken(access);
        return feed.isRevoked({ ...claims, kid: header['kid'] } as unknown as Parameters<typeof feed.isRevoked>[0]);
      };
      await expect.poll(() => feed.isReady(), patience).toBe(true);
      await expect.poll(() => isRevoked(first.access), patience).toBe('revoked');
      expect(isRevoked(second.access)).toBe('active');
      expect(await ok(admin('DELETE', path))).toEqual({ ended: 'all' });
      await expect.poll(() => isRevoked(second.access), patience).not.toBe('active');
      expect((await ok(admin('GET', path)))['sessions']).toEqual([]);
    } finally {
      await feed.close();
    }
  });
});

describe('keys', () => {
  it('are listed without their private half, rotated, retired and removed', async () => {
    const ring = async () =>
      (await ok(admin('GET', '/keys')))['keys'] as unknown as readonly {
        readonly kid: string;
        readonly state: string;
      }[];
    const [current] = await ring();
    expectProblem(await admin('POST', `/keys/${current?.kid}/retire`), 'key_signs');
    await ok(admin('POST', '/keys/rotate'));
    expect((await ring()).map(({ state }) => state)).toEqual(['current', 'next']);
    const next = (await ring()).at(-1);
    expect(await ok(admin('POST', `/keys/${next?.kid}/retire`))).toEqual({ retired: true });
    expectProblem(await admin('POST', `/keys/${next?.kid}/retire`), 'not_found');
    expect(JSON.stringify(await ring())).not.toMatch(/seal|private|jwk|"d"/i);

    const { access } = await signUp(call);
    expect(await ok(admin('DELETE', `/keys/${current?.kid}`))).toEqual({ removed: true, in_ring: true });
    expect(await ok(admin('DELETE', `/keys/${current?.kid}`))).toEqual({ removed: true, in_ring: false });
    await expect.poll(async () => (await call('GET', '/auth/verify', { bearer: access })).status, patience).toBe(401);

    const { roots } = (await ok(admin('GET', '/keys/roots'))) as unknown as { readonly roots: readonly object[] };
    expect(roots).toEqual([expect.objectContaining({ kid: '1', state: 'first', needed: true })]);
    expectProblem(await admin('DELETE', '/keys/roots/1'), 'key_signs');
    const nothing = { removed: true, sessions: 0, begun_meanwhile: 0, resealed: 0, unopened: 0 };
    expect(await ok(admin('DELETE', '/keys/roots/7'))).toEqual(nothing);
    expect(await there(['keys', 'roots', 'remove', '1', '--yes'])).toContain('1 is the first in SALLYPORT_ROOT_KEYS');
    expect(JSON.parse(await there(['keys', 'roots', 'remove', '7', '--yes', '--json']))).toEqual({
      kid: '7',
      ...nothing,
    });
  });
});

describe('the audit trail and the outbox', () => {
  it('are read, verified and sent again, which leaves records of its own', async () => {
    const { userId } = await signUp(call);
    const events = async () =>
      (await ok(admin('GET', `/events?user=${userId}`)))['events'] as unknown as readonly {
        id: string;
        type: string;
      }[];
    await expect.poll(async () => (await events()).map(({ type }) => type), patience).toContain('USER_CREATED');
    for (const body of [{}, { filter: {} }, { ids: ['019a'] }, { ids: [userId], filter: { user: userId } }])
      expect((await admin('POST', '/events/replay', body)).status).toBe(400);
    // None has left yet.
    const ids = (await events()).map(({ id }) => id);
    expect(await ok(admin('POST', '/events/replay', { ids }))).toEqual({ replayed: 0 });

    const records = async () =>
      (await ok(admin('GET', `/audit?user=${userId}`)))['records'] as unknown as readonly { event_type: string }[];
    await expect.poll(async () => (await records()).map((one) => one.event_type), patience).toContain('register');
    expectProblem(await admin('GET', '/audit?since=2026-13-01'), 'query_invalid');
    const { passed, findings } = await ok(admin('GET', '/audit/verification'));
    expect([passed, findings]).toEqual([true, []]);
    const own = async () => (await recordsOf(`actor = '${credential.id}'`)).map((row) => row['event_type']);
    await expect.poll(own, patience).toEqual(expect.arrayContaining(['audit_read', 'events_replayed']));
  });
});

it('a credential is made and revoked by the command line', async () => {
  const settings = { ...issuer.folder.settings, NODE_COMPILE_CACHE: compileCache };
  const cli = (...args: string[]) => sallyport(['credentials', ...args], settings);
  const made = cli('create', 'billing', '--scope', 'users:read,sessions:*', '--expires', '90d', '--json');
  const { id, token, scopes } = JSON.parse(made.stdout) as { id: string; token: string; scopes: string[] };
  expect([made.status, scopes]).toEqual([0, ['users:read', 'sessions:read', 'sessions:write']]);
  expect(token).toMatch(/^sp_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
  const client = httpClient(issuer.adminUrl);
  const users = () => client('GET', `${base}/users?limit=1`, { bearer: token });
  expect((await users()).status).toBe(200);
  expect(await here(['credentials', 'list'])).toMatch(new RegExp(`^${id}\tbilling\tlive\t.*\tused `, 'm'));
  expect(await here(['credentials', 'revoke', 'billing'])).toBe('billing is revoked.\n');
  expectProblem(await users(), 'credential_invalid');
  expect(await here(['credentials', 'revoke', id])).toContain('no credential');
});

describe('a command with --url', () => {
  /** One JSON value, or one a line. */
  const valuesOf = (printed: string): unknown[] =>
    (printed.startsWith('[') ? [printed] : printed.trim().split('\n')).map((text) => JSON.parse(text) as unknown);

  it('prints what it prints on the host', async () => {
    const { person, userId } = await signUp(call);
    await expect
      .poll(async () => (await there(['events', 'list', '--user', userId])).split('\n').length, patience)
      .toBeGreaterThan(2);
    for (const args of [
      ...[
        ['users', 'list'],
        ['users', 'list', '--limit', '2', '--json'],
        ['sessions', 'list', person.email, '--json'],
      ],
      ...[
        ['devices', 'list', userId],
        ['keys', 'list', '--json'],
        ['keys', 'list'],
        ['keys', 'roots'],
      ],
      ...[
        ['events', 'list', '--user', userId, '--json'],
        ['events', 'list', '--limit', '3'],
      ],
      ...[
        ['sessions', 'list', 'nobody@example.org'],
        ['users', 'disable', userId.replace(/.$/, 'x')],
      ],
      ...[
        ['keys', 'retire', 'nothing'],
        ['devices', 'revoke', userId],
        ['sessions', 'end', userId],
      ],
    ]) {
      const printed = await there(args);
      const isJson = args.includes('--json');
      // The order of members is nobody's promise.
      if (isJson) expect(valuesOf(printed), args.join(' ')).toEqual(valuesOf(await here(args)));
      else expect(printed, args.join(' ')).toBe(await here(args));
      expect(printed === '', args.join(' ')).toBe(args[0] === 'devices' && args[1] === 'list');
    }
  });

  it('does what it does on the host', async () => {
    const { person, userId, access } = await signUp(call);
    const status = async () => (await call('GET', '/auth/verify', { bearer: access })).status;
    const sid = String(decodeToken(access).claims['sid']);
    expect(await there(['sessions', 'end', sid])).toBe(`Session ${sid} is ended.\n`);
    expect(await status()).toBe(401);
    expect(await there(['sessions', 'end', '--user', person.email.toUpperCase()])).toContain('are ended');
    const roles = ['users', 'roles', person.email, 'admin', '--permission', 'a:b', '--json'];
    expect(JSON.parse(await there(roles))).toMatchObject({ id: userId, roles: ['admin'], permissions: ['a:b'] });
    expect(await there(['users', 'disable', userId])).toContain('\tdisabled\t');
    expect(await there(['keys', 'rotate'])).toMatch(/^current .*\nnext /);
    const [current] = JSON.parse(await there(['keys', 'list', '--json'])) as readonly { readonly kid: string }[];
    expect(await there(['keys', 'retire', String(current?.kid)])).toContain('run `keys rotate` first');
    expect(await there(['events', 'replay', '--user', userId])).toBe('0 events will be sent again\n');
    expect(await there(['events', 'replay', '--all'])).toContain('on the host alone');
  });

  it('says which scope is missing, and that a credential is', async () => {
    const { token } = await desk.create({ scopes: ['users:read'] });
    const keys = ['keys', 'list', '--url', issuer.adminUrl];
    expect(await run(keys, { ADMIN_CREDENTIAL: token })).toContain('it asks for keys:read');
    expect(await run(keys, {})).toContain('ADMIN_CREDENTIAL');
  });
});

it('takes nothing that is not described: every object that comes in is closed', () => {
  const open: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    const { type, additionalProperties } = schema as Readonly<Record<string, unknown>>;
    if (type === 'object' && additionalProperties !== false) open.push(path);
    for (const [name, inner] of Object.entries(schema)) walk(inner, `${path}/${name}`);
  };
  for (const { id, body, query, params } of adminRoutes) walk({ body, query, params }, id);
  expect(open).toEqual([]);
});

it('events are read page by page', async () => {
  await signUp(call);
  const ids: string[] = [];
  for (let after = ''; ids.length < 1000; ) {
    const page = (await ok(admin('GET', `/events?limit=2${after}`))) as unknown as {
      readonly events: readonly { readonly id: string }[];
      readonly next?: string;
    };
    ids.push(...page.events.map(({ id }) => id));
    if (page.next === undefined) break;
    after = `&after=${page.next}`;
  }
  expect(ids.length).toBeGreaterThan(4);
  expect(new Set(ids).size).toBe(ids.length);
  expectProblem(await admin('GET', '/events?after=-1'), 'query_invalid');
});

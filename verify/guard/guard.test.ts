import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import {
  assertionKeysFrom,
  createGuard,
  type Identity,
  isIdentityHeader,
  parseBearer,
  problemAnswer,
  requirePermission,
  requireRole,
  requireUser,
} from '../index.ts';
import { routeMatcher } from './routes.ts';

const user = { kind: 'user', roles: ['admin'], permissions: ['a:read'] } as unknown as Identity;
const key = Buffer.alloc(32, 7);
const text = `g1:${key.toString('base64url')}`;

describe('required roles and permissions', () => {
  it('let through who has them, and nobody else', () => {
    expect(requireRole(user, 'admin')).toBe(user);
    expect(requirePermission(user, 'a:read')).toBe(user);
    expect(requireUser(user)).toBe(user);
    for (const refuse of [
      () => requireRole(user, 'adm'),
      () => requireRole(user, ''),
      () => requireRole(undefined, 'admin'),
      () => requirePermission(user, 'a:write'),
      () => requirePermission({ kind: 'anonymous' } as never, 'a:read'),
    ]) {
      expect(refuse).toThrow(new Problem('permission_denied'));
    }
    expect(() => requireUser(undefined)).toThrow(new Problem('assertion_missing'));
  });
});

describe('keys from the environment', () => {
  it('come from the variable or the file it names', () => {
    expect(assertionKeysFrom({ GATEWAY_ASSERTION_KEYS: `${text}, g0:${key.toString('base64url')}` })).toEqual([
      { kid: 'g1', key },
      { kid: 'g0', key },
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    writeFileSync(join(folder, 'keys'), `${text}\n`);
    expect(assertionKeysFrom({ GATEWAY_ASSERTION_KEYS_FILE: join(folder, 'keys') })).toEqual([{ kid: 'g1', key }]);
    rmSync(folder, { recursive: true });
  });

  it('are refused with the name of a file that is empty', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const file = join(folder, 'keys');
    writeFileSync(file, '\n');
    expect(() => assertionKeysFrom({ GATEWAY_ASSERTION_KEYS_FILE: file })).toThrow(
      `GATEWAY_ASSERTION_KEYS_FILE names ${file}, which is empty`,
    );
    rmSync(folder, { recursive: true });
  });

  it.each([
    [{}],
    [{ GATEWAY_ASSERTION_KEYS: '' }],
    [{ GATEWAY_ASSERTION_KEYS: text, GATEWAY_ASSERTION_KEYS_FILE: '/x' }],
    [{ GATEWAY_ASSERTION_KEYS: 'g1' }],
    [{ GATEWAY_ASSERTION_KEYS: 'g1:c2hvcnQ' }],
    [{ GATEWAY_ASSERTION_KEYS: `${text}=` }],
    [{ GATEWAY_ASSERTION_KEYS: `${text},` }],
    [{ GATEWAY_ASSERTION_KEYS: text.slice(2) }],
  ])('are refused as %j, without a word of the key in the message', (env) => {
    expect(() => assertionKeysFrom(env)).toThrow(TypeError);
    expect(() => assertionKeysFrom(env)).not.toThrow(key.toString('base64url').slice(0, 8));
  });
});

describe('routes', () => {
  const matches = (route: string, method: string, target: string): boolean => routeMatcher([route])(method, target);
  it('match what they say', () => {
    expect(matches('/health', 'POST', '/health?x=1')).toBe(true);
    expect(matches('GET /health', 'HEAD', '/health')).toBe(true);
    expect(matches('GET /health', 'POST', '/health')).toBe(false);
    expect(matches('/a/*', 'GET', '/a')).toBe(true);
    expect(matches('/a/*', 'GET', '/a/b/c.json?q=..')).toBe(true);
    for (const target of [
      '/ab',
      '/a/../b',
      '/a/.',
      '/a/%2e%2e/b',
      '/a//b',
      '/a/b\\c',
      '/A/b',
      '/a/b;c',
      'http://x/a/b',
      '*',
      '',
    ]) {
      expect(matches('/a/*', 'GET', target), target).toBe(false);
    }
  });
  it.each(['health', '/a*', '/*/a', 'get /a', '/a?b', '', 'GET  /a'])('written %j are refused', (route) => {
    expect(() => routeMatcher([route])).toThrow('Not a route');
  });
});

describe('guard', () => {
  it('refuses misspelt options, and both or neither source of keys', () => {
    const keys = [{ kid: 'g1', key }];
    expect(() => createGuard({ service: 'x', keys, publicRoutes: [] } as never)).toThrow(
      'unknown option "publicRoutes"',
    );
    expect(() => createGuard({ service: 'x' })).toThrow('either keys or env');
    expect(() => createGuard({ service: 'x', keys, env: {} })).toThrow('either keys or env');
    expect(() => createGuard({ service: 'x', env: {} })).toThrow('GATEWAY_ASSERTION_KEYS is required');
  });

  it('knows identity headers in any spelling', () => {
    for (const name of ['X-User-Id', 'x_user_id', 'X.Roles', 'x-user-', 'X-Gateway-Assertion', 'x-permissions-extra']) {
      expect(isIdentityHeader(name), name).toBe(true);
    }
    for (const name of ['x-userid', 'authorization', 'x-request-id', 'user-id'])
      expect(isIdentityHeader(name), name).toBe(false);
  });

  it('answers 503 with Retry-After and 403 without challenge', () => {
    expect(problemAnswer(new Problem('busy')).headers['retry-after']).toBe('1');
    expect(problemAnswer(new Problem('permission_denied')).headers['www-authenticate']).toBeUndefined();
    const answer = problemAnswer(new Problem('internal_error', { cause: 'secret' }), {}, 'req-1');
    expect(answer.body).not.toContain('secret');
    expect(JSON.parse(answer.body)).toMatchObject({ instance: 'req-1' });
  });

  it('reads one bearer token', () => {
    expect(parseBearer(['BEARER a.b-c_~+/=='])).toEqual({ ok: true, token: 'a.b-c_~+/==' });
    for (const value of ['Bearer a\n', 'Bearer\ta', 'Bearera', ' Bearer a', 'Bearer a=b', 'Bearer é']) {
      expect(parseBearer([value])).toEqual({ ok: false, code: 'authorization_malformed' });
    }
    expect(parseBearer(['Bearer a', 'Bearer a'])).toMatchObject({ code: 'authorization_malformed' });
  });
});

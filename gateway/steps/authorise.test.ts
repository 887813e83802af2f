import { describe, expect, it } from 'vitest';
import { requirementOf } from '../routes/needs.ts';
import type { ProxyRule } from '../routes.ts';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { authorise } from './authorise.ts';

const step = authorise();
const outcome = (rule: Partial<ProxyRule>, claims: Record<string, unknown>) => {
  const exchange = exchangeOf('GET', '/');
  const requirement = requirementOf({ path: '/a', service: 'a', access: 'required', ...rule });
  exchange.route = routeTo('a', { requirement });
  exchange.token = verified(claims);
  return step.run(exchange);
};
const run = (rule: Partial<ProxyRule>, claims: Record<string, unknown>) => outcomeOf(outcome(rule, claims));

describe('authorise', () => {
  it('asks for nothing where the route asks for nothing', () => {
    expect(run({}, {})).toBe('goes on');
  });

  it('takes any name of a list, and every one under `all`', () => {
    expect(run({ roles: ['admin', 'audit'] }, { roles: ['audit'] })).toBe('goes on');
    expect(run({ roles: ['admin', 'audit'] }, { roles: ['user'] })).toBe('permission_denied');
    expect(run({ permissions: { all: ['read', 'write'] } }, { permissions: ['read'] })).toBe('permission_denied');
    expect(run({ permissions: { all: ['read', 'write'] } }, { permissions: ['write', 'x', 'read'] })).toBe('goes on');
    const both = { roles: { any: ['a', 'b'], all: ['c'] } };
    expect([['c'], ['a'], ['a', 'c']].map((roles) => run(both, { roles }))).toEqual([
      'permission_denied',
      'permission_denied',
      'goes on',
    ]);
  });

  it('asks for each kind by itself', () => {
    const rule = { roles: ['admin'], permissions: ['read'] };
    expect(run(rule, { roles: ['admin', 'read'] })).toBe('permission_denied');
    expect(run(rule, { roles: ['admin'], permissions: ['read'] })).toBe('goes on');
  });

  it('reads claims that are a list or a text', () => {
    expect(run({ roles: ['admin'] }, { roles: 'user, admin' })).toBe('goes on');
    expect(run({ permissions: { all: ['a', 'b'] } }, { permissions: 'a b' })).toBe('goes on');
  });

  it.each([
    ['none', undefined],
    ['an empty list', []],
    ['an empty text', ''],
    ['another case', ['Admin']],
    ['a name that begins alike', ['administrator']],
    ['a name that ends alike', ['super-admin']],
  ])('refuses %s', (_, roles) => {
    expect(run({ roles: ['admin'] }, { roles })).toBe('permission_denied');
  });

  it('tells which scopes are needed (RFC 6750 §3.1), and matches whole words', () => {
    const rule = { scopes: { all: ['orders:read'], any: ['a', 'b'] } };
    expect(outcome(rule, { scope: 'openid' })).toMatchObject({
      code: 'scope_insufficient',
      status: 403,
      headers: {
        'www-authenticate': 'Bearer realm="sallyport", error="insufficient_scope", scope="orders:read a b"',
      },
    });
    expect(run(rule, { scope: 'b orders:read' })).toBe('goes on');
    const near = ['orders:reader b', 'xorders:read b', 'orders:read bb', 'orders:read', '', undefined];
    expect(near.map((scope) => run(rule, { scope }))).toEqual(near.map(() => 'scope_insufficient'));
    expect(run({ scopes: ['read'] }, { scope: 'reader xread read' })).toBe('goes on');
  });

  it('finds nothing in whoever is anonymous', () => {
    const exchange = exchangeOf('GET', '/');
    exchange.route = routeTo('a', {
      requirement: requirementOf({ path: '/a', service: 'a', access: 'required', roles: ['a'] }),
    });
    expect(outcomeOf(step.run(exchange))).toBe('permission_denied');
  });
});

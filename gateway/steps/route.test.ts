import { Problem } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { createRouteTable } from '../route-table.ts';
import { type RouteRule, routesProblem, servicesProblem } from '../routes.ts';
import { exchangeOf, outcomeOf, routeTo } from '../testing/exchange.ts';
import { route } from './route.ts';

const upstreams = new Map(['a', 'b'].map((id) => [id, routeTo(id).upstream]));
const rules: readonly RouteRule[] = [
  { path: '/health', answer: 'health' },
  { path: '/ready', answer: 'ready' },
  { path: '/x/*', service: 'a', access: 'public', stripPrefix: '/x' },
  { path: '/x/y/*', service: 'b', access: 'protected' },
  { path: '/x/y/z', service: 'a', access: 'protected', methods: ['DELETE'], forwardAuthorization: true },
];
const run = (method: string, target: string, isReady = true) => {
  const exchange = exchangeOf(method, target);
  exchange.target = target;
  exchange.path = target.split('?')[0] ?? '';
  const step = route({ table: createRouteTable(rules, upstreams), serviceName: 'gate', isReady: () => isReady });
  const outcome = step.run(exchange);
  return { outcome, code: outcomeOf(outcome), name: exchange.route?.name, forward: exchange.forwardTarget };
};

describe('route', () => {
  it('cuts the prefix off and keeps the query', () => {
    expect(run('GET', '/x/a?b=/x')).toMatchObject({ code: 'goes on', name: '/x/*', forward: '/a?b=/x' });
  });

  it('prefers the more exact rule, whatever the order', () => {
    expect(run('GET', '/x/y/a').name).toBe('/x/y/*');
    expect(run('DELETE', '/x/y/z').name).toBe('/x/y/z');
    expect(run('GET', '/x/y/z').name).toBe('/x/y/*');
  });

  it.each(['/x', '/xy', '/X/a', '/', '/healthz', '/health/x'])('knows no %s', (path) => {
    const { outcome } = run('GET', `${path}?secret`);
    expect(outcome).toMatchObject({ code: 'route_unknown', extensions: { path } });
  });

  it('answers health and ready itself', () => {
    expect(run('GET', '/health').outcome).toMatchObject({ status: 200, body: '{"status":"healthy","service":"gate"}' });
    expect([run('HEAD', '/ready').code, run('GET', '/ready', false).code]).toEqual([200, 'not_ready']);
  });

  it('refuses methods that nobody listed', () => {
    const { outcome } = run('POST', '/health');
    expect(outcome).toBeInstanceOf(Problem);
    expect(outcome).toMatchObject({ code: 'method_not_allowed', headers: { allow: 'GET, HEAD' } });
    for (const method of ['TRACE', 'PURGE', 'get', 'PROPFIND'])
      expect(run(method, '/x/a').code).toBe('method_not_allowed');
  });
});

describe('a route table', () => {
  it.each([
    ['no list', {}],
    ['an unknown member', [{ path: '/a', service: 'a', access: 'public', acces: 'x' }]],
    ['no access', [{ path: '/a', service: 'a' }]],
    ['a pattern', [{ path: '/a/*/b', service: 'a', access: 'public' }]],
    ['a trailing slash', [{ path: '/a/', service: 'a', access: 'public' }]],
    ['a prefix that is not its own', [{ path: '/a/*', service: 'a', access: 'public', stripPrefix: '/b' }]],
    ['a prefix that leaves nothing', [{ path: '/a', service: 'a', access: 'public', stripPrefix: '/a' }]],
    ['two rules for one path', [...rules, { path: '/health', answer: 'ready' }]],
  ])('with %s is refused', (_, table) => {
    expect(routesProblem(table)).toBeTypeOf('string');
  });

  it('of right form is taken, and needs its services', () => {
    expect(routesProblem(rules)).toBeUndefined();
    expect(() => createRouteTable(rules, new Map())).toThrow('names a service that is not listed');
    expect(servicesProblem([{ id: 'a', url: 'userServiceUrl', defaultPort: 1 }])).toBeUndefined();
    expect(servicesProblem([{ id: 'A b', url: 'userServiceUrl', defaultPort: 1 }])).toBeTypeOf('string');
    expect(servicesProblem([{ id: 'a', url: 'password', defaultPort: 1 }])).toBeTypeOf('string');
  });
});

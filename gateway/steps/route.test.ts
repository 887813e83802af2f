import { Problem } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import { createRouteTable } from '../route-table.ts';
import { createUserLimits } from '../routes/user-limits.ts';
import type { RouteRule } from '../routes.ts';
import { exchangeOf, outcomeOf, routeTo } from '../testing/exchange.ts';
import { route } from './route.ts';

const parts = {
  upstreams: new Map(['a', 'b'].map((id) => [id, routeTo(id).upstream])),
  userLimits: createUserLimits(),
  bodyLimitBytes: 1000,
};
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
  const step = route({ table: createRouteTable(rules, parts), serviceName: 'gate', isReady: () => isReady });
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

describe('route by host', () => {
  const byHost = createRouteTable(
    [
      { path: '/a/*', service: 'a', access: 'required' },
      { path: '/a/*', service: 'b', access: 'required', hosts: ['admin.example', '[::1]'] },
      { path: '/only/*', service: 'b', access: 'required', hosts: ['admin.example'] },
    ],
    parts,
  );
  const serviceAt = (host: string | undefined, path = '/a/x') => {
    const found = byHost.find(path, 'GET', host);
    return found === undefined || 'allowed' in found || found.kind === 'own' ? undefined : found.upstream.id;
  };

  it('takes the rule that names the host before the one for all', () => {
    expect(
      ['admin.example', 'ADMIN.example:8080', 'admin.example.', '[::1]:80'].map((host) => serviceAt(host)),
    ).toEqual(Array.from({ length: 4 }, () => 'b'));
    const others = ['example', 'x.admin.example', 'admin.example.evil', 'admin.example@evil', '::1', '', undefined];
    expect(others.map((host) => serviceAt(host))).toEqual(others.map(() => 'a'));
  });

  it('knows no path of another host', () => {
    expect([serviceAt('admin.example', '/only/x'), byHost.find('/only/x', 'GET', 'other.example')]).toEqual([
      'b',
      undefined,
    ]);
  });
});

describe('a route', () => {
  it('has its own limit on bodies', () => {
    const table = createRouteTable(
      [
        { path: '/small', service: 'a', access: 'public', limits: { bodyBytes: 10 } },
        { path: '/usual', service: 'a', access: 'public' },
      ],
      parts,
    );
    const step = route({ table, serviceName: 'gate', isReady: () => true });
    const post = (path: string, length: string) => {
      const exchange = exchangeOf('POST', path, 'Content-Length', length);
      exchange.path = exchange.target = path;
      return outcomeOf(step.run(exchange));
    };
    expect([post('/small', '10'), post('/small', '11')]).toEqual(['goes on', 'body_too_large']);
    expect([post('/usual', '1000'), post('/usual', '1001')]).toEqual(['goes on', 'body_too_large']);
  });

  it('may be everything: /* stands behind every other', () => {
    const table = createRouteTable([...rules, { path: '/*', service: 'b', access: 'required' }], parts);
    const nameAt = (path: string) => {
      const found = table.find(path, 'GET', undefined);
      return found === undefined || 'allowed' in found ? undefined : found.name;
    };
    expect(['/', '/other', '/x/a', '/health'].map(nameAt)).toEqual(['/*', '/*', '/x/*', '/health']);
  });

  it('needs its service', () => {
    expect(() => createRouteTable(rules, { ...parts, upstreams: new Map() })).toThrow(
      'names a service that is not listed',
    );
  });
});

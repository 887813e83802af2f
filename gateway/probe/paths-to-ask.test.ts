import { describe, expect, it } from 'vitest';
import type { ProxyRule, RouteRule } from '../routes.ts';
import { canonicalTarget } from '../steps/canonical-target.ts';
import { pathsToAsk } from './paths-to-ask.ts';

const rule = (path: string, access: ProxyRule['access'], more: Partial<ProxyRule> = {}): RouteRule => ({
  path,
  access,
  service: 'a',
  ...more,
});
const asked = (...routes: readonly RouteRule[]) => Object.fromEntries(pathsToAsk({ services: [], routes }));

describe('what a service is asked for', () => {
  it('is the paths of its protected routes as it gets them, below a prefix its beginning', () => {
    const found = asked(
      rule('/v1/orders', 'required', { stripPrefix: '/v1' }),
      rule('/v1/orders/*', 'protected', { stripPrefix: '/v1' }),
      rule('/shop/*', 'required', { service: 'shop' }),
    );
    expect(found).toEqual({
      a: ['/orders', '/orders/sallyport-probe'],
      shop: ['/shop/sallyport-probe', '/shop'],
    });
  });

  it('is no home page, and no path that the gateway itself would refuse', () => {
    const found = asked(
      rule('/*', 'required'),
      rule('/orders/*', 'required', { service: 'orders', stripPrefix: '/orders' }),
      rule('/write/*', 'required', { service: 'write', methods: ['POST'] }),
    );
    expect(found).toEqual({ a: ['/sallyport-probe', '/'], orders: ['/sallyport-probe'] });
    for (const path of Object.values(found).flat()) expect(canonicalTarget(path)?.target).toBe(path);
  });

  it('is nothing of a service that may answer anybody, and nothing that changes something', () => {
    const found = asked(
      rule('/open', 'public'),
      rule('/both/*', 'optional'),
      rule('/write', 'required', { methods: ['POST'] }),
      { path: '/health', answer: 'health' },
    );
    expect(found).toEqual({});
  });

  it.each<[string, readonly RouteRule[], readonly string[] | undefined]>([
    ['a path of its own', [rule('/a/*', 'required'), rule('/a/sallyport-probe', 'public')], undefined],
    ['a bare path', [rule('/a/*', 'required'), rule('/a', 'public')], ['/a/sallyport-probe']],
    ['another host', [rule('/a/*', 'required'), rule('/a/*', 'public', { hosts: ['x.example'] })], undefined],
    ['GET alone', [rule('/a', 'required', { methods: ['GET'] }), rule('/a', 'public', { methods: ['POST'] })], ['/a']],
    ['all above it', [rule('/a/*', 'required'), rule('/*', 'public')], ['/a/sallyport-probe']],
    ['all below it', [rule('/*', 'required'), rule('/a/*', 'public')], ['/sallyport-probe', '/']],
  ])('leaves out what another rule opens: %s', (_what, routes, paths) => {
    expect(asked(...routes)['a']).toEqual(paths);
  });

  it('is at most eight paths', () => {
    expect(asked(...Array.from({ length: 20 }, (_, at) => rule(`/p${at}`, 'required')))['a']).toHaveLength(8);
  });
});

import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { routeIssuers } from './route-issuers.ts';

const run = (issuers: readonly string[] | undefined, token = true): string | number => {
  const exchange = exchangeOf('GET', '/');
  exchange.route = routeTo('a', { issuers });
  if (token) exchange.token = verified();
  return outcomeOf(routeIssuers().run(exchange));
};

describe('route issuers', () => {
  it('lets a token of an issuer that the route takes pass, and every one where there is one issuer alone', () => {
    expect(run(['auth-service'])).toBe('goes on');
    expect(run(['partner', 'auth-service'])).toBe('goes on');
    expect(run(undefined)).toBe('goes on');
  });

  it.each([[['partner']], [[]], [['auth-service.evil']], [['AUTH-SERVICE']]])(
    'refuses it where %j are taken',
    (issuers) => {
      expect(run(issuers)).toBe('permission_denied');
    },
  );

  it('asks nothing of the anonymous', () => {
    expect(run(['partner'], false)).toBe('goes on');
  });
});

import { describe, expect, it } from 'vitest';
import { checkRules } from '../routes/check-rules.ts';
import type { ProxyRule } from '../routes.ts';
import { routeIssuers } from '../steps/route-issuers.ts';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { type IssuerRule, issuersProblem } from './issuer-rule.ts';
import { issuerWarnings } from './open-issuer.ts';

const good = {
  id: 'partner',
  issuer: 'https://partner.example',
  audience: 'api',
  algorithm: 'ES256',
  jwksUrl: 'https://partner.example/.well-known/jwks.json',
};
const { jwksUrl: _jwksUrl, ...keyless } = good;

describe('a list of issuers', () => {
  it('may be empty, and may give keys in three ways', () => {
    expect(issuersProblem([])).toBeUndefined();
    const others = [
      { ...keyless, id: 'b', issuer: 'b', publicKeyPath: '/keys/b.pem', audience: ['api', 'web'] },
      { ...keyless, id: 'c', issuer: 'c', algorithm: 'HS256', secretFile: '/keys/c' },
    ];
    expect(issuersProblem([{ ...good, feedUrl: 'http://p:9081', feedTokenFile: '/t' }, ...others])).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['is no list', {}, 'must be a list'],
    ['holds no object', ['partner'], '[0] is no object'],
    ['misspells a member', [{ ...good, jwksURL: 'x' }], '[0].jwksURL is not known; did you mean jwksUrl?'],
    ['lacks an audience', [{ ...good, audience: undefined }], '[0] has no audience'],
    ['has an empty audience', [{ ...good, audience: [] }], '[0].audience has a wrong value'],
    ['has an id with a separator', [{ ...good, id: 'a|b' }], '[0].id has a wrong value'],
    ['has no signature', [{ ...good, algorithm: 'none' }], '[0].algorithm has a wrong value'],
    ['fetches keys from a file', [{ ...good, jwksUrl: 'file:///keys' }], '[0].jwksUrl has a wrong value'],
    [
      'has a feed with a path',
      [{ ...good, feedUrl: 'http://p/v1', feedTokenFile: '/t' }],
      '[0].feedUrl has a wrong value',
    ],
    ['calls one own', [{ ...good, id: 'own' }], "[0].id is own, which is the gateway's own issuer"],
    ['has no keys', [keyless], '[0] needs jwksUrl or publicKeyPath, and one of them'],
    ['has keys twice', [{ ...good, publicKeyPath: '/k' }], '[0] needs jwksUrl or publicKeyPath, and one of them'],
    ['lacks the secret', [{ ...keyless, algorithm: 'HS256' }], '[0] has no secretFile, which HS256 needs'],
    [
      'offers public keys for HS256',
      [{ ...good, algorithm: 'HS256', secretFile: '/s' }],
      '[0] has public keys beside HS256: remove them',
    ],
    ['has a secret beside ES256', [{ ...good, secretFile: '/s' }], '[0] has a secretFile beside ES256: remove it'],
    [
      'has a feed without a token',
      [{ ...good, feedUrl: 'http://p' }],
      '[0] needs both of feedUrl and feedTokenFile, or neither',
    ],
    ['names an issuer twice', [good, { ...good, id: 'b' }], 'holds one issuer twice'],
    ['uses an id twice', [good, { ...good, issuer: 'b' }], 'holds one id twice'],
    ['is too long', Array.from({ length: 65 }, () => good), 'holds more than 64 issuers'],
  ])('that %s is refused', (_name, value, problem) => {
    expect(issuersProblem(value)).toBe(problem);
  });
});

it('without a feed, and with keys that come without TLS, is warned about', () => {
  const rule = good as IssuerRule;
  expect(issuerWarnings([{ ...rule, feedUrl: 'https://p', feedTokenFile: '/t' }])).toEqual([]);
  expect(issuerWarnings([{ ...rule, jwksUrl: 'http://localhost:1/jwks' }])).toEqual([
    'issuers.partner has no feedUrl: tokens of ended sessions pass until they expire',
  ]);
  expect(issuerWarnings([{ ...rule, jwksUrl: 'http://partner.example/jwks' }])).toHaveLength(2);
});

describe('a route', () => {
  const checked = (rule: Partial<ProxyRule>) => {
    const routes = [{ path: '/a', service: 'a', access: 'required', ...rule } as const];
    const context = { services: [{ id: 'a', defaultPort: 1 }], accessCookie: undefined, issuers: ['partner'] };
    return checkRules({ ...context, routes }).problems.map(({ pointer, problem }) => `${pointer} ${problem}`);
  };
  it('names issuers that are listed, or the own one', () => {
    expect(checked({ issuers: ['own', 'partner'] })).toEqual([]);
    expect(checked({ issuers: ['partnr'] })).toEqual([
      '/routes/0/issuers names partnr, an issuer that is not listed; known are own, partner',
    ]);
    expect(checked({ access: 'public', issuers: ['own'] })).toEqual([
      '/routes/0/issuers asks about a token, but access is public',
    ]);
  });

  it('refuses a good token of another issuer, and asks nothing where there is no other', () => {
    const judge = (issuers: readonly string[] | undefined) => {
      const exchange = exchangeOf('GET', '/');
      exchange.route = routeTo('a', { issuers });
      exchange.token = verified();
      return outcomeOf(routeIssuers().run(exchange));
    };
    expect(judge(undefined)).toBe('goes on');
    expect(judge(['auth-service', 'https://partner.example'])).toBe('goes on');
    expect(judge(['https://partner.example'])).toBe('permission_denied');
  });
});

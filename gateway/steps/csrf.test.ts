import { createCsrfTokens } from '@sallyport/kit/csrf';
import { systemRandom } from '@sallyport/kit/random';
import type { VerifiedToken } from '@sallyport/verify';
import { describe, expect, it } from 'vitest';
import type { Exchange } from '../exchange.ts';
import type { ProxyRoute } from '../route-table.ts';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { csrfKey, csrfTokens, sid } from '../testing/rig.ts';
import { csrf } from './csrf.ts';

const step = csrf({ tokens: csrfTokens, cookie: 'csrf_token' });
const run = (method: string, lines: readonly string[], claims: Record<string, unknown> = {}) => {
  const exchange = exchangeOf(method, '/', ...lines);
  exchange.route = routeTo('a');
  exchange.token = verified(claims);
  return outcomeOf(step.run(exchange));
};
const both = (header: string, cookie: string): string[] => ['X-CSRF-Token', header, 'Cookie', `csrf_token=${cookie}`];
const mine = (): string => csrfTokens.issue(sid);
const theirs = csrfTokens.issue('0192f0c1-2b3c-7d4e-8f50-ffffffffffff');
const unsafeMethods = ['POST', 'PUT', 'PATCH', 'DELETE'];

describe('CSRF', () => {
  it('passes two tokens of this session, equal or not', () => {
    const token = mine();
    expect(run('POST', both(token, token))).toBe('goes on');
    // A refresh in another tab has renewed the cookie.
    expect(run('POST', both(token, mine()))).toBe('goes on');
    expect(run('POST', ['X-CSRF-Token', token, 'Cookie', `a=b; csrf_token=${mine()}`, 'Cookie', 'c=d'])).toBe(
      'goes on',
    );
  });

  it('asks every unsafe method, and no safe one', () => {
    expect(unsafeMethods.map((method) => run(method, []))).toEqual(unsafeMethods.map(() => 'csrf_header_missing'));
    expect(['GET', 'HEAD', 'OPTIONS'].map((method) => run(method, []))).toEqual(['goes on', 'goes on', 'goes on']);
  });

  it('tells what is missing in the order of the contract', () => {
    expect(run('POST', ['Cookie', `csrf_token=${mine()}`])).toBe('csrf_header_missing');
    expect(run('POST', ['X-CSRF-Token', '', 'Cookie', `csrf_token=${mine()}`])).toBe('csrf_header_missing');
    expect(run('POST', ['X-CSRF-Token', mine()])).toBe('csrf_cookie_missing');
    expect(run('POST', ['X-CSRF-Token', mine(), 'Cookie', 'csrf_token=; xcsrf_token=1'])).toBe('csrf_cookie_missing');
  });

  it.each([
    ['two equal values that nobody issued', both('x'.repeat(44), 'x'.repeat(44))],
    ['two equal tokens of another session', both(theirs, theirs)],
    ['a foreign header', both(theirs, mine())],
    ['a foreign cookie', both(mine(), theirs)],
    ['another spelling', both(`${mine()}=`, mine())],
    ['a cookie in quotes', both(mine(), `"${mine()}"`)],
  ])('refuses %s', (_, lines) => {
    expect(run('POST', lines)).toBe('csrf_mismatch');
  });

  it('refuses what could be read in two ways', () => {
    expect(run('POST', [...both(mine(), mine()), 'Cookie', `csrf_token=${mine()}`])).toBe('cookie_ambiguous');
    expect(run('POST', [...both(mine(), mine()), 'x-csrf-token', mine()])).toBe('header_invalid');
  });

  it('refuses a token that names no session', () => {
    expect(run('POST', both(mine(), mine()), { sid: undefined })).toBe('csrf_unbound');
  });

  it('takes tokens of a key before the current one', () => {
    const rotated = createCsrfTokens({
      keys: [
        { kid: 2, key: Buffer.alloc(32, 2) },
        { kid: 1, key: csrfKey },
      ],
      random: systemRandom,
    });
    const exchange = exchangeOf('POST', '/', ...both(mine(), rotated.issue(sid)));
    exchange.route = routeTo('a');
    exchange.token = verified();
    expect(outcomeOf(csrf({ tokens: rotated, cookie: 'csrf_token' }).run(exchange))).toBe('goes on');
  });
});

describe('CSRF by the route', () => {
  const judge = (csrfMode: ProxyRoute['csrf'], sentAccessCookie: boolean, token: VerifiedToken | undefined) => {
    const exchange = exchangeOf('POST', '/');
    exchange.route = routeTo('a', { csrf: csrfMode });
    exchange.token = token;
    exchange.sentAccessCookie = sentAccessCookie;
    return outcomeOf(step.run(exchange));
  };

  it('is asked always, where the cookie came, or never', () => {
    const token = verified();
    expect([judge('always', false, token), judge('always', true, token)]).toEqual(
      Array.from({ length: 2 }, () => 'csrf_header_missing'),
    );
    expect([judge('cookie', false, token), judge('cookie', true, token)]).toEqual(['goes on', 'csrf_header_missing']);
    expect([judge('never', false, token), judge('never', true, token)]).toEqual(['goes on', 'goes on']);
  });

  it('has nothing to bind to for whoever is anonymous', () => {
    expect([judge('always', false, undefined), judge('cookie', false, undefined)]).toEqual(['goes on', 'goes on']);
  });
});

describe('the page that sends an unsafe request', () => {
  const strict = csrf({ tokens: csrfTokens, cookie: 'csrf_token', origins: ['https://app.example'] });
  const from = (lines: readonly string[], change: Partial<Exchange> = {}, method = 'POST') => {
    const exchange = exchangeOf(method, '/', 'Host', 'gate.example', ...both(mine(), mine()), ...lines);
    exchange.route = routeTo('a');
    exchange.token = verified();
    Object.assign(exchange, change);
    return outcomeOf(strict.run(exchange));
  };

  it('is one of the allowed ones or the gateway’s own, or no page at all', () => {
    expect(from([])).toBe('goes on');
    expect(from(['Origin', 'https://app.example', 'Sec-Fetch-Site', 'cross-site'])).toBe('goes on');
    expect(from(['Origin', 'https://gate.example'])).toBe('goes on');
    expect(from(['Sec-Fetch-Site', 'same-origin'])).toBe('goes on');
  });

  it.each([
    ['another site', ['Origin', 'https://evil.example'], 'origin_refused'],
    ['an opaque origin', ['Origin', 'null'], 'origin_refused'],
    ['an empty origin', ['Origin', ''], 'origin_refused'],
    ['a name that begins alike', ['Origin', 'https://app.example.evil.example'], 'origin_refused'],
    ['the own host, written by somebody on the way', ['Origin', 'http://gate.example'], 'origin_refused'],
    ['another port', ['Origin', 'https://app.example:8443'], 'origin_refused'],
    ['another site that hides its origin', ['Sec-Fetch-Site', 'cross-site'], 'origin_refused'],
    ['two origins', ['Origin', 'https://app.example', 'Origin', 'https://app.example'], 'header_invalid'],
  ])('is refused: %s', (_, lines, code) => {
    expect(from(lines)).toBe(code);
  });

  it('is asked for a WebSocket too, where a page cannot send a token', () => {
    const upgrade = (lines: readonly string[], change: Partial<Exchange> = {}) =>
      from(lines, { isUpgrade: true, ...change }, 'GET');
    expect(upgrade(['Origin', 'https://evil.example'])).toBe('origin_refused');
    expect(upgrade(['Origin', 'https://app.example'])).toBe('goes on');
    const byCookie = { route: routeTo('a', { csrf: 'cookie' }) };
    expect(upgrade(['Origin', 'https://evil.example'], { ...byCookie, sentAccessCookie: true })).toBe('origin_refused');
    expect(upgrade(['Origin', 'https://evil.example'], byCookie)).toBe('goes on');
  });
});

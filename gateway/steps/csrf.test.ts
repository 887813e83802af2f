import { createCsrfTokens } from '@sallyport/kit/csrf';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { csrfKey, csrfTokens, sid } from '../testing/rig.ts';
import { csrf } from './csrf.ts';

const step = csrf({ tokens: csrfTokens, cookie: 'csrf_token' });
const run = (method: string, lines: readonly string[], claims: Record<string, unknown> = {}, isProtected = true) => {
  const exchange = exchangeOf(method, '/', ...lines);
  exchange.route = routeTo('a', { isProtected });
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
    expect(run('POST', [], {}, false)).toBe('goes on');
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

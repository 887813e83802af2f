import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf } from '../testing/exchange.ts';
import { canonicalTarget, canonicalTargetStep } from './canonical-target.ts';

const anyTarget = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 24 }).map((text) => `/${text}`),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...['/', '.', '..', '%', '%2e', '%2E', '%2f', '%25', '?', '#', ';', '\\', "'", '"', '&', '=', '@', ':'],
        ),
        fc.constantFrom(
          ...['a', 'Z', '0', '-', '~', '%41', '%e9', '%c3%a9', '%20', '%3b', '[', ']', '|', '{', '^', '`', ' ', 'é'],
        ),
      ),
      { maxLength: 12 },
    )
    .map((parts) => `/${parts.join('')}`),
  fc.webPath().map((path) => path || '/'),
  fc.tuple(fc.webPath(), fc.webQueryParameters()).map(([path, query]) => `${path || '/'}?${query}`),
);

describe('an accepted target', () => {
  it('is what WHATWG URL parsing returns, byte for byte', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyTarget, (target) => {
        const found = canonicalTarget(target);
        if (found === undefined) return;
        accepted += 1;
        const url = new URL(`http://h${target}`);
        expect(`${url.pathname}${url.search}`).toBe(target);
        expect([url.host, url.pathname, found.target]).toEqual(['h', found.path, target]);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('has one reading of its path: decoding it makes no new segment and no other text of the same path', () => {
    fc.assert(
      fc.property(anyTarget, (target) => {
        const found = canonicalTarget(target);
        if (found === undefined) return;
        const decoded = decodeURIComponent(found.path);
        expect(decoded.split('/')).toHaveLength(found.path.split('/').length);
        expect(decoded).not.toMatch(/\p{Cc}|\\|%/u);
        expect(decoded.split('/').slice(1)).not.toContain('..');
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    '/',
    '/a',
    '/a/b.c/~d',
    '/a%20b',
    '/caf%C3%A9',
    '/a%3bb',
    "/it's:(a)@b,c=1&d!$*+",
    '/a?b=%2F%00;\\'.replace('\\', ''),
  ])('may be %s', (target) => {
    expect(canonicalTarget(target)?.target).toBe(target);
  });
});

describe('a refused target', () => {
  it.each([
    ...[
      '',
      'a',
      '//',
      '//h/a',
      '/a//b',
      '/a/',
      '/.',
      '/a/..',
      '/a/./b',
      '/%2e',
      '/a/%2E%2e/b',
      '/a;b',
      '/a\\b',
      '/a#b',
    ],
    ...[
      '/%2f',
      '/%2F',
      '/%5c',
      '/%5C',
      '/%00',
      '/%25',
      '/%0a',
      '/%1f',
      '/%7f',
      '/%7F',
      '/%61',
      '/%5f',
      '/%2d',
      '/%7e',
      '/%30',
    ],
    ...[
      '/%',
      '/%4',
      '/%zz',
      '/%c0%ae',
      '/%e9',
      '/%ff',
      '/a b',
      '/é',
      '/"',
      '/<',
      '/{',
      '/^',
      '/|',
      '/[',
      '/a?',
      "/a?'",
      '/a?#',
    ],
    ...['/a?%', '/a?%zz', '/a?b c', '/a?é', '/a?"', '/a?<'],
  ])('is %j', (target) => {
    expect(canonicalTarget(target)).toBeUndefined();
  });
});

describe('the step', () => {
  const run = (method: string, url: string, ...lines: string[]) => {
    const exchange = exchangeOf(method, url, 'Host', 'gate:8080', ...lines);
    return [outcomeOf(canonicalTargetStep().run(exchange)), exchange.target, exchange.path];
  };

  it('leaves target and path', () => {
    expect(run('GET', '/a/b?c')).toEqual(['goes on', '/a/b?c', '/a/b']);
  });
  it('takes the absolute form for its own host alone', () => {
    expect(run('GET', 'http://GATE:8080/a?b')).toEqual(['goes on', '/a?b', '/a']);
    expect(run('GET', 'http://gate:8080')).toEqual(['goes on', '/', '/']);
    expect(run('GET', 'http://gate/a')[0]).toBe('path_refused');
    expect(run('GET', 'http://x@gate:8080/a')[0]).toBe('path_refused');
  });
  it('takes the asterisk for OPTIONS alone', () => {
    expect(run('OPTIONS', '*')).toEqual(['goes on', '*', '*']);
    expect(run('GET', '*')[0]).toBe('path_refused');
  });
  it('refuses a Host that is none', () => {
    const exchange = exchangeOf('GET', '/', 'Host', 'a, b');
    expect(outcomeOf(canonicalTargetStep().run(exchange))).toBe('header_invalid');
  });
});

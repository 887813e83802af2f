import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerText } from './header-text.ts';
import { connectionOptions } from './hop-by-hop.ts';
import { readInboundHeaders } from './inbound.ts';
import { readOutboundHeaders } from './outbound.ts';
import { foldName, reservedNameOf, reservedPrefixes } from './reserved.ts';
import { stripCookies } from './strip-cookies.ts';

describe('reserved names', () => {
  it('are known in every folding', () => {
    const punctuation = fc.constantFrom(..."-_.!#$%&'*+^`|~".split(''));
    const spelled = fc.tuple(
      fc.constantFrom(...reservedPrefixes),
      fc.array(fc.tuple(punctuation, fc.boolean()), { minLength: 16 }),
    );
    fc.assert(
      fc.property(spelled, ([prefix, choices]) => {
        const name = `${prefix}x`
          .split('')
          .map((letter, at) => (letter === '-' ? choices[at]?.[0] : choices[at]?.[1] ? letter.toUpperCase() : letter))
          .join('');
        expect(reservedNameOf(foldName(name))).toBe(prefix);
        expect(readInboundHeaders([name, 'v'])).toMatchObject({ pass: [], reserved: [prefix] });
        expect(readOutboundHeaders([name, 'v'], 200)).toEqual([]);
      }),
    );
  });

  it('leave their neighbours alone', () => {
    const lines = ['X-Username', '1', 'User-Agent', '2', 'X-Rolex', '3', 'X-Gate', '4'];
    expect(readInboundHeaders(lines).pass).toEqual([
      'x-username',
      '1',
      'user-agent',
      '2',
      'x-rolex',
      '3',
      'x-gate',
      '4',
    ]);
  });
});

describe('inbound headers', () => {
  it('drop what belongs to the connection, listed names included', () => {
    const raw = [
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'x-hop',
      '2',
      'TE',
      'trailers',
      'Keep-Alive',
      '5',
      'X-Stay',
      '3',
    ];
    expect(readInboundHeaders(raw).pass).toEqual(['x-stay', '3']);
  });

  it('neither read nor pass a name in disguise', () => {
    const raw = ['X_Forwarded_For', '1', 'content_length', '5', 'X_CSRF_Token', 't', 'transfer.encoding', 'chunked'];
    expect(readInboundHeaders(raw)).toMatchObject({ pass: [], contentLength: [], csrf: [], forwardedFor: [] });
  });
});

describe('outbound headers', () => {
  it('lose connection fields, CORS and the length of a 204', () => {
    const raw = [
      'Connection',
      'x-hop',
      'X-Hop',
      '1',
      'Access-Control-Allow-Origin',
      '*',
      'Content-Length',
      '0',
      'ETag',
      '"1"',
    ];
    expect(readOutboundHeaders(raw, 204)).toEqual(['etag', '"1"']);
    expect(readOutboundHeaders(raw, 200)).toEqual(['content-length', '0', 'etag', '"1"']);
  });
  it('are refused with a coding that nobody has undone', () => {
    expect(readOutboundHeaders(['Transfer-Encoding', 'gzip, chunked'], 200)).toBeUndefined();
    expect(readOutboundHeaders(['Transfer-Encoding', 'Chunked'], 200)).toEqual([]);
  });
});

describe('connection options', () => {
  it('are none for the everyday values', () => {
    expect([connectionOptions([]), connectionOptions(['Keep-Alive']), connectionOptions(['close'])]).toEqual([
      [],
      [],
      [],
    ]);
    expect(connectionOptions(['close', 'X-A , x-b'])).toEqual(['close', 'x-a', 'x-b']);
  });
});

describe('cookies', () => {
  it('lose the named ones and stay as they are otherwise', () => {
    const names = ['csrf_token', 'refresh_token'];
    expect(stripCookies(['a=1; csrf_token=x; b="2"; refresh_token=y'], names)).toEqual(['a=1; b="2"']);
    expect(stripCookies(['csrf_token=x', 'a=1'], names)).toEqual(['a=1']);
    expect(stripCookies(['csrf_token = x;refresh_token', 'xcsrf_token=1'], names)).toEqual(['xcsrf_token=1']);
    expect(stripCookies(['a=csrf_token; b=1'], names)).toEqual(['a=csrf_token; b=1']);
  });
});

describe('header text', () => {
  it('is printable ASCII that decodes to the claim, for every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (claim) => {
        const text = headerText(claim);
        expect(text).toMatch(/^[\x21-\x7e]*$/);
        expect(decodeURIComponent(text)).toBe(claim);
      }),
    );
    expect(headerText('ann+1@example.com')).toBe('ann+1@example.com');
    expect(headerText('\ud800')).toBe('%EF%BF%BD');
  });
});

import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf } from '../testing/exchange.ts';
import { limits } from './limits.ts';

const run = (lines: readonly string[], url = '/') => outcomeOf(limits().run(exchangeOf('POST', url, ...lines)));

describe('limits', () => {
  it('lets an everyday request go on', () => {
    expect(run(['Host', 'a', 'Content-Length', '10'])).toBe('goes on');
    expect(run(['Host', 'a', 'Transfer-Encoding', 'Chunked'])).toBe('goes on');
  });

  it.each([
    ['no host', [], 'header_invalid'],
    ['two hosts', ['Host', 'a', 'host', 'a'], 'header_invalid'],
    ['two lengths', ['Host', 'a', 'Content-Length', '1', 'content-length', '1'], 'header_invalid'],
    ['two codings', ['Host', 'a', 'Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 'header_invalid'],
    ['another coding', ['Host', 'a', 'Transfer-Encoding', 'gzip, chunked'], 'header_invalid'],
    ['length and coding', ['Host', 'a', 'Content-Length', '1', 'Transfer-Encoding', 'chunked'], 'request_malformed'],
    ['an upgrade', ['Host', 'a', 'Upgrade', 'h2c'], 'upgrade_refused'],
    ['101 header lines', Array.from({ length: 101 }, () => ['a', 'b']).flat(), 'headers_too_large'],
  ])('refuses %s', (_, lines, code) => {
    expect(run(lines)).toBe(code);
  });

  it('refuses a target over 8 KiB', () => {
    expect(run(['Host', 'a'], `/${'a'.repeat(8192)}`)).toBe('uri_too_long');
  });

  it('asks HTTP/1.0 for no host', () => {
    const exchange = exchangeOf('GET', '/');
    exchange.req.httpVersion = '1.0';
    expect(outcomeOf(limits().run(exchange))).toBe('goes on');
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestHead } from './request-head.ts';

const head = (headers: readonly string[], parts: { method?: string; target?: string; host?: string } = {}): string =>
  requestHead(
    { method: parts.method ?? 'GET', target: parts.target ?? '/a', headers, body: null },
    parts.host ?? 'service:80',
  );

describe('the head of a request', () => {
  it('is its lines in their order, and an empty one', () => {
    expect(head(['accept', '*/*', 'x-latin', 'gr\xfcn\tund'])).toBe(
      'GET /a HTTP/1.1\r\nhost: service:80\r\naccept: */*\r\nx-latin: gr\xfcn\tund\r\n\r\n',
    );
  });

  it.each(['\r\n', '\n', '\r', '\0', '\x7f', '\u0100', 'a\r\nx-user-id: 1', '\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n'])(
    'has no place for %j: not in a value, a name, the target, the method or the host',
    (text) => {
      for (const make of [
        () => head(['a', text]),
        () => head(['a', `b${text}c`, 'd', 'e']),
        () => head([`a${text}`, 'b']),
        () => head([], { target: `/a${text}` }),
        () => head([], { method: `GET${text}` }),
        () => head([], { host: `a${text}` }),
      ]) {
        expect(make).toThrow(TypeError);
      }
    },
  );

  it('has as many lines as it was given, whatever stands in them', () => {
    const part = fc.string({ unit: fc.constantFrom('a', '\r', '\n', '\r\n', ': ', ' ', '\xff', '\u2028') });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 300 }), (parts) => {
        const headers = parts.length % 2 === 0 ? parts : parts.slice(1);
        const isSafe = headers.every((text) => !/[^\t\x20-\x7e\x80-\xff]/.test(text));
        if (!isSafe) expect(() => head(headers)).toThrow(TypeError);
        else expect(head(headers).split('\r\n')).toHaveLength(2 + headers.length / 2 + 2);
      }),
    );
  });

  it('of ten thousand lines is judged in no time', () => {
    const headers = Array.from({ length: 20_000 }, () => 'a'.repeat(20));
    const began = performance.now();
    expect(head(headers)).toContain('aaaa');
    expect(() => head([...headers, 'a', '\r'])).toThrow(TypeError);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

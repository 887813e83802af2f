import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnswerHead, AnswerMalformed, ResponseParser } from './response-parser.ts';

interface Read {
  readonly head: AnswerHead | undefined;
  readonly body: string;
  /** `clean`, `unclean`, or that the end has not come. */
  readonly end: string;
}

/** Feeds the text in pieces and, where told, the end of the connection. */
const read = (pieces: readonly string[], { method = 'GET', closes = false } = {}): Read => {
  let head: AnswerHead | undefined;
  let body = '';
  let end = 'open';
  const parser = new ResponseParser({
    onHead: (given) => {
      head = given;
    },
    onBody: (part) => {
      body += part.toString('latin1');
    },
    onEnd: (isClean) => {
      end = isClean ? 'clean' : 'unclean';
    },
  });
  parser.reset(method);
  for (const piece of pieces) parser.feed(Buffer.from(piece, 'latin1'));
  if (closes) parser.end();
  return { head, body, end };
};

const lines = (...parts: readonly string[]): string => parts.join('\r\n');
const ok = 'HTTP/1.1 200 OK';

describe('an answer is read', () => {
  it('by its length, with its headers as they came', () => {
    const { head, body, end } = read([lines(ok, 'X-A: b c ', 'Content-Length: 5', '', 'hello')]);
    expect(head).toEqual({
      status: 200,
      headers: ['X-A', 'b c', 'Content-Length', '5'],
      keepAlive: true,
      idleSeconds: undefined,
      isWhole: false,
    });
    expect([body, end]).toEqual(['hello', 'clean']);
  });

  it('in chunks, with extensions ignored and trailers dropped', () => {
    const text = lines(
      ok,
      'Transfer-Encoding: chunked',
      '',
      '5;a=b',
      'hello',
      '6',
      ' world',
      '0',
      'X-Trailer: 1',
      '',
      '',
    );
    expect(read([text])).toMatchObject({ body: 'hello world', end: 'clean' });
  });

  it('until the connection ends, which then carries nothing else', () => {
    const { head, body, end } = read([lines(ok, '', 'as long'), ' as it takes'], { closes: true });
    expect([head?.keepAlive, body, end]).toEqual([false, 'as long as it takes', 'clean']);
    expect(read([lines(ok, 'content-length: 9', '', 'cut')], { closes: true }).end).toBe('open');
  });

  it.each([
    ['HEAD', ok],
    ['GET', 'HTTP/1.1 204 No Content'],
    ['GET', 'HTTP/1.1 304 Not Modified'],
  ])('without a body after %s, %s, whatever it says of its length', (method, status) => {
    expect(read([lines(status, 'content-length: 10', '', '')], { method })).toMatchObject({
      head: { isWhole: true },
      end: 'clean',
    });
  });

  it('after interim ones', () => {
    const text = lines('HTTP/1.1 103 Early Hints', 'link: </a>', '', ok, 'content-length: 0', '', '');
    expect(read([text])).toMatchObject({ head: { status: 200 }, end: 'clean' });
  });

  it('the same however it is cut into pieces', () => {
    const answers = [
      lines(ok, 'x: y', 'content-length: 11', '', 'hello world'),
      lines(ok, 'transfer-encoding: chunked', '', 'b', 'hello world', '0', 't: 1', '', ''),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...answers), fc.array(fc.nat(120), { maxLength: 12 }), (text, cuts) => {
        const places = [...cuts.map((cut) => Math.min(cut, text.length)), 0, text.length].sort((a, b) => a - b);
        const pieces = places.slice(1).map((place, index) => text.slice(places[index], place));
        expect(read(pieces)).toMatchObject({ head: { status: 200 }, body: 'hello world', end: 'clean' });
      }),
    );
  });

  it('and says whether the connection goes on', () => {
    const keeps = (...headers: readonly string[]) =>
      read([lines(headers[0] ?? '', ...headers.slice(1), 'content-length: 0', '', '')]).head?.keepAlive;
    expect(keeps(ok)).toBe(true);
    expect(keeps(ok, 'Connection: keep-alive')).toBe(true);
    expect(keeps(ok, 'Connection: Close')).toBe(false);
    expect(keeps(ok, 'connection: x-a', 'connection: x-b, close')).toBe(false);
    expect(keeps('HTTP/1.0 200 OK')).toBe(false);
    expect(read([lines(ok, 'Keep-Alive: timeout=7, max=100', 'content-length: 0', '', '')]).head?.idleSeconds).toBe(7);
  });

  it('with bytes behind it that nobody asked for: handed on without them, and the connection is spoilt', () => {
    const poison = lines('HTTP/1.1 200 OK', 'x-poison: 1', 'content-length: 0', '', '');
    for (const whole of [
      lines(ok, 'content-length: 2', '', 'ok'),
      lines(ok, 'content-length: 0', '', ''),
      lines(ok, 'transfer-encoding: chunked', '', '0', '', ''),
    ]) {
      expect(read([whole + poison]).end).toBe('unclean');
      expect(() => read([whole, poison])).toThrow(AnswerMalformed);
    }
  });
});

describe('an answer that could be read in two ways is refused:', () => {
  const chunked = 'Transfer-Encoding: chunked';
  it.each([
    ['two lengths', lines(ok, 'Content-Length: 1', 'Content-Length: 1', '', 'a')],
    ['a list of lengths', lines(ok, 'Content-Length: 1, 1', '', 'a')],
    ['a signed length', lines(ok, 'Content-Length: +1', '', 'a')],
    ['a hexadecimal length', lines(ok, 'Content-Length: 0x1', '', 'a')],
    ['an endless length', lines(ok, 'Content-Length: 9999999999999999', '', 'a')],
    ['length and chunks', lines(ok, 'Content-Length: 1', chunked, '', '0', '', '')],
    ['two codings', lines(ok, chunked, chunked, '', '0', '', '')],
    ['a coding that nobody undoes', lines(ok, 'Transfer-Encoding: gzip, chunked', '', '0', '', '')],
    ['chunks in HTTP/1.0', lines('HTTP/1.0 200 OK', chunked, '', '0', '', '')],
    ['a bare LF after the status', `${ok}\ncontent-length: 0\r\n\r\n`],
    ['a bare LF between headers', `${ok}\r\na: b\ncontent-length: 0\r\n\r\n`],
    ['a bare CR in a value', lines(ok, 'a: b\rc', '', '')],
    ['NUL in a value', lines(ok, 'a: b\0c', '', '')],
    ['a folded header', lines(ok, 'a: b', ' c', '', '')],
    ['white space before the colon', lines(ok, 'Content-Length : 0', '', '')],
    ['a header without name', lines(ok, ': 0', '', '')],
    ['a header without colon', lines(ok, 'abc', '', '')],
    ['another version', lines('HTTP/2.0 200 OK', '', '')],
    ['no status', lines('HTTP/1.1 OK', '', '')],
    ['four digits', lines('HTTP/1.1 2000 OK', '', '')],
    ['101 unasked', lines('HTTP/1.1 101 Switching Protocols', 'upgrade: x', '', '')],
    ['a chunk without size', lines(ok, chunked, '', '', 'a')],
    ['a chunk size with a sign', lines(ok, chunked, '', '+1', 'a', '0', '', '')],
    ['a chunk size with a prefix', lines(ok, chunked, '', '0x1', 'a', '0', '', '')],
    ['a chunk size that overflows', lines(ok, chunked, '', 'fffffffffffffff', 'a')],
    ['a chunk longer than it says', lines(ok, chunked, '', '1', 'ab', '0', '', '')],
    ['a chunk ended by LF alone', `${lines(ok, chunked, '', '1', 'a')}\n0\r\n\r\n`],
    ['a chunk line without end', lines(ok, chunked, '', '1;'.padEnd(2000, 'x'))],
    ['trailers without end', lines(ok, chunked, '', '0', 'x'.repeat(9000))],
    ['a head without end', `${ok}\r\na: ${'x'.repeat(40_000)}`],
    ['too many headers', lines(ok, ...Array.from({ length: 300 }, (_, at) => `a${at}: b`), '', '')],
    ['interim answers without end', `${lines('HTTP/1.1 103 Early Hints', '', '')}`.repeat(20)],
  ])('%s', (_, text) => {
    expect(() => read([text])).toThrow(AnswerMalformed);
  });
});

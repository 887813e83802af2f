import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bearer, send, sendRaw, startGateway, statusesOf } from '../testing/rig.ts';

const smuggled = 'GET /api/v1/auth/smuggled HTTP/1.1\r\nhost: a\r\n\r\n';
const post = (headers: string, body: string): string =>
  `POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\n${headers}\r\n\r\n${body}`;

describe('a request with two ends', () => {
  it.each([
    [
      'content-length and transfer-encoding',
      post('content-length: 4\r\ntransfer-encoding: chunked', `0\r\n\r\n${smuggled}`),
    ],
    [
      'transfer-encoding and content-length',
      post('transfer-encoding: chunked\r\ncontent-length: 4', `0\r\n\r\n${smuggled}`),
    ],
    ['two lengths', post('content-length: 0\r\ncontent-length: 44', smuggled)],
    ['two equal lengths', post('content-length: 0\r\ncontent-length: 0', smuggled)],
    ['a list of lengths', post('content-length: 0, 44', smuggled)],
    ['a signed length', post('content-length: +0', smuggled)],
    ['a length in hex', post('content-length: 0x0', smuggled)],
    ['an unknown coding', post('transfer-encoding: xchunked', `0\r\n\r\n${smuggled}`)],
    ['chunked twice', post('transfer-encoding: chunked, chunked', `0\r\n\r\n${smuggled}`)],
    ['identity', post('transfer-encoding: identity', smuggled)],
    ['two coding lines', post('transfer-encoding: chunked\r\ntransfer-encoding: identity', `0\r\n\r\n${smuggled}`)],
    ['white space before the colon', post('transfer-encoding : chunked', `0\r\n\r\n${smuggled}`)],
    ['a folded line', post('x-a: b\r\n transfer-encoding: chunked', `0\r\n\r\n${smuggled}`)],
    ['a bare line feed', `POST /api/v1/auth/login HTTP/1.1\nhost: a\ncontent-length: 0\n\n${smuggled}`],
    ['a carriage return in a value', post('x-a: b\rcontent-length: 44', smuggled)],
    ['a bad chunk size', post('transfer-encoding: chunked', `0x4\r\n\r\n${smuggled}`)],
    ['a chunk longer than it says', post('transfer-encoding: chunked', `1\r\n{}\r\n0\r\n\r\n${smuggled}`)],
    ['two hosts', `GET /api/v1/auth/verify HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n`],
    ['no host', 'GET /api/v1/auth/verify HTTP/1.1\r\n\r\n'],
    ['a host that is none', 'GET /api/v1/auth/verify HTTP/1.1\r\nhost: a/b\r\n\r\n'],
  ])('%s is refused, and nothing behind it is taken for a request', async (_, bytes) => {
    const targets: string[] = [];
    const gateway = await startGateway({}, async (req, res) => {
      targets.push(req.url ?? '');
      for await (const part of req) void part;
      res.end();
    });
    const answer = await sendRaw(gateway, bytes);
    expect(statusesOf(answer)[0]).toBe(400);
    expect(answer).toContain('application/problem+json');
    expect(targets).not.toContain('/auth/smuggled');
  });

  it('is refused too where its end is clear, but its coding is not undone here', async () => {
    const gateway = await startGateway();
    const answer = await sendRaw(gateway, post('transfer-encoding: gzip, chunked\r\nconnection: close', '0\r\n\r\n'));
    expect([statusesOf(answer), gateway.services.seen()]).toEqual([[400], 0]);
  });

  it('may be followed by another where it has one end', async () => {
    const gateway = await startGateway();
    const two = `${post('content-length: 2', '{}')}GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`;
    expect(statusesOf(await sendRaw(gateway, two))).toEqual([200, 200]);
  });
});

/** A service that writes bytes as they are. */
const startRawService = async (bytes: string, ends = true): Promise<string> => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => (ends ? socket.end(bytes, 'latin1') : socket.write(bytes, 'latin1')));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

describe('a service that answers wrongly', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    ['length and coding', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a coding that nobody undid', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['headers without end', 'HTTP/1.1 200 OK\r\nx-a: '],
    ['a protocol switch', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
  ])('%s is 502 without a word of what it said', async (_, bytes) => {
    const gateway = await startGateway({ USER_SERVICE_URL: await startRawService(bytes) });
    const answer = await send(gateway, '/api/v1/users/profile', { headers: bearer() });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_unavailable', error: 'Service unavailable' });
    expect(answer.body).not.toMatch(/127\.0\.0\.1|HPE_|UND_ERR|llhttp/);
  });

  it('cannot split an answer: what comes after its end is not read as the next one', async () => {
    const url = await startRawService(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nx-poison: 1\r\ncontent-length: 6\r\n\r\npoison',
      false,
    );
    const gateway = await startGateway({ USER_SERVICE_URL: url });
    for (let round = 0; round < 3; round += 1) {
      const answer = await send(gateway, '/api/v1/users/profile', { headers: bearer() });
      expect([answer.status, answer.body, answer.headers['x-poison']]).toEqual([200, 'ok', undefined]);
    }
  });

  it('that stops in the middle leaves no answer that looks whole', async () => {
    const short = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf';
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n';
    for (const bytes of [short, chunked]) {
      const gateway = await startGateway({ USER_SERVICE_URL: await startRawService(bytes) });
      await expect(send(gateway, '/api/v1/users/profile', { headers: bearer() })).rejects.toThrow();
    }
  });
});

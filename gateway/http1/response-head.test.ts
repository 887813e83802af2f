import { once } from 'node:events';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLawfulHead } from './response-head.ts';

interface Told {
  readonly status: number;
  readonly headers: string[];
  readonly body: string;
}

/** Answers what it is told, on `/ours` with a head of ours, else with one of node:http. */
const startServer = async (
  options: ServerOptions,
): Promise<{ server: Server; port: number; tell: (told: Told) => void }> => {
  let told: Told = { status: 200, headers: [], body: '' };
  const server = createServer(options, (req, res) => {
    if (req.url === '/ours') writeLawfulHead(res, told.status, told.headers);
    else res.writeHead(told.status, told.headers);
    res.end(told.body, 'latin1');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const tell = (next: Told): void => {
    told = next;
  };
  return { server, port: (server.address() as AddressInfo).port, tell };
};

let served: Awaited<ReturnType<typeof startServer>>;
let frugal: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  served = await startServer({ keepAliveTimeout: 5000 });
  frugal = await startServer({ keepAliveTimeout: 0 });
});
afterAll(() => {
  served.server.close();
  frugal.server.close();
});

/** Everything that comes for two requests on one connection, until the server or the second answer ends it. */
const ask = async (port: number, method: string, path: string, lines = ''): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  let text = '';
  socket.setEncoding('latin1');
  for await (const part of socket) text += part;
  // The second may have begun while these were on their way.
  return text.replaceAll(/^Date: .*$/gm, (line) => (Number.isNaN(Date.parse(line.slice(6))) ? line : 'Date: now'));
};

const name = fc.constantFrom(
  ...['content-type', 'x-a', 'set-cookie', 'etag', 'date', 'vary', 'x-request-id', 'connection', 'transfer-encoding'],
  ...['keep-alive', 'content-disposition', 'trailer'],
);
const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff]{0,20}$/);
const valueFor: Readonly<Record<string, string>> = {
  connection: 'close',
  'transfer-encoding': 'chunked',
  trailer: 'x-t',
};

describe('a head of ours', () => {
  it('is that of node:http, byte for byte', async () => {
    const status = fc.constantFrom(200, 201, 204, 299, 304, 404, 418, 500, 599, 777);
    const lines = fc.array(fc.tuple(name, value), { maxLength: 8 });
    const method = fc.constantFrom('GET', 'HEAD', 'POST');
    const withLength = fc.boolean();
    await fc.assert(
      fc.asyncProperty(
        status,
        lines,
        method,
        withLength,
        fc.boolean(),
        async (code, given, verb, hasLength, isFrugal) => {
          const body = code === 204 || code === 304 ? '' : 'grüß';
          const headers = given.flatMap(([key, text]) => [key, valueFor[key] ?? text]);
          const isChunked = headers.includes('transfer-encoding');
          if (hasLength && !isChunked) headers.push('content-length', String(body.length));
          // node:http refuses a trailer without chunks, by throwing.
          if (headers.includes('trailer') && (hasLength || body === '' || verb === 'HEAD')) return;
          const { port, tell } = isFrugal ? frugal : served;
          tell({ status: code, headers, body });
          expect(await ask(port, verb, '/ours')).toBe(await ask(port, verb, '/nodes'));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps the connection, and ends one whose client says so', async () => {
    served.tell({ status: 200, headers: ['content-length', '2'], body: 'ok' });
    const text = await ask(served.port, 'GET', '/ours');
    expect(text.match(/HTTP\/1\.1 200 OK\r/g)).toHaveLength(2);
    expect(text.match(/^Connection: [a-z-]*/gm)).toEqual(['Connection: keep-alive', 'Connection: close']);
  });
});

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it } from 'vitest';
import { LeanRequest } from './lean-request.ts';

const asSeen = async (head: string, IncomingMessage?: typeof LeanRequest): Promise<IncomingHttpHeaders> => {
  const seen = Promise.withResolvers<IncomingHttpHeaders>();
  const server = createServer(
    { requireHostHeader: false, ...(IncomingMessage && { IncomingMessage }) },
    (request, response) => {
      seen.resolve({ ...request.headers });
      response.end();
    },
  ).listen(0, '127.0.0.1');
  server.on('checkExpectation', (request) => seen.resolve({ ...request.headers }));
  server.on('checkContinue', (request) => seen.resolve({ ...request.headers }));
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(head);
  const headers = await seen.promise;
  socket.destroy();
  server.close();
  return headers;
};

const heads = [
  'GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nCookie: a=1\r\nX-Length: 1\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nEXPECT: 100-continue\r\nContent-Length: 1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nExpect: something\r\nExpect: else\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nsec-websocket-key: x\r\nSec-WebSocket-Version: 13\r\n\r\n',
];

it.each(heads)('has of its headers what node:http asks for, as node:http has it: %j', async (head) => {
  const names = [
    'content-length',
    'expect',
    'sec-websocket-key',
    'sec-websocket-version',
    'transfer-encoding',
    'upgrade',
  ];
  const all = await asSeen(head);
  const expected = Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
  if (expected['expect'] !== undefined) expected['expect'] = String(expected['expect']).replace(/, .*/, '');
  expect(await asSeen(head, LeanRequest)).toEqual(expected);
});

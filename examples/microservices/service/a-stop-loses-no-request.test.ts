import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from './listen.ts';

const freePort = async (): Promise<number> => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

it('answers what is on its way on a connection of the gateway that looks idle, then ends it', async () => {
  const port = await freePort();
  const listener = await listen((_, response) => response.end(), ['127.0.0.1'], port);
  const socket = connect(port, '127.0.0.1');
  let answers = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answers += text;
  });
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(socket, 'data');
  const closed = listener.close();
  setTimeout(() => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), 50);
  await Promise.all([once(socket, 'close'), closed]);
  expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  expect(answers.match(/connection: close/gi)).toHaveLength(1);
});

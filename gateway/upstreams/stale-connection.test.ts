import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bearer, type Headers, send, startGateway, unsafe } from '../testing/rig.ts';

/** A service that answers the first request of a connection, keeps it, and closes it as the next one comes in. */
const startClosing = async (): Promise<{ url: string; requests: string[] }> => {
  const requests: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (data) => {
      requests.push(`${data}`.split('\r\n', 1).join());
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      socket.once('data', (next) => {
        requests.push(`${next}`.split('\r\n', 1).join());
        socket.destroy();
      });
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
};

const twice = async (method: string, headers: () => Headers): Promise<readonly [number[], number]> => {
  const service = await startClosing();
  const gateway = await startGateway({ USER_SERVICE_URL: service.url });
  const first = await send(gateway, '/api/v1/users/profile', { method, headers: headers() });
  const second = await send(gateway, '/api/v1/users/profile', { method, headers: headers() });
  return [[first.status, second.status], service.requests.length];
};

describe('a kept connection that the service closes as a request is written to it', () => {
  it.each(['GET', 'OPTIONS'])('costs a %s nothing: it is sent again on another', async (method) => {
    expect(await twice(method, bearer)).toEqual([[200, 200], 3]);
  });

  it.each(['POST', 'DELETE'])('leaves a %s unrepeated: the service may have acted on it', async (method) => {
    expect(await twice(method, unsafe)).toEqual([[200, 502], 2]);
  });
});

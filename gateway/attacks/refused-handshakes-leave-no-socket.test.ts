import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bearer, type Rig, startGateway } from '../testing/rig.ts';

const handshake = (authorization = ''): string =>
  `GET /api/v1/users/chat HTTP/1.1\r\nhost: a\r\n${authorization}connection: Upgrade\r\nupgrade: websocket\r\n` +
  'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const known = (): string => `authorization: ${bearer().authorization}\r\n`;

const open = async ({ port }: Rig, bytes: string): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes, 'latin1');
  return socket;
};

/** A service that does with a handshake what it is told to. */
const startService = async (onHandshake: (socket: Socket) => void): Promise<string> => {
  const server = createServer((_, res) => res.end());
  server.on('upgrade', (_, socket) => {
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    onHandshake(socket as Socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A gateway that holds no socket any more stops at once; one that does waits for it, and gives up after eight seconds. */
const stopMs = async (gateway: Rig): Promise<number> => {
  const began = performance.now();
  await gateway.stop();
  return performance.now() - began;
};

const leftByRefused = async (): Promise<number> => {
  const gateway = await startGateway();
  const socket = await open(gateway, `${handshake()}bytes that nobody asked for`);
  await once(socket.resume(), 'end');
  return stopMs(gateway);
};

describe('a handshake', () => {
  it('that is refused leaves nothing behind, whatever was sent behind it', async () => {
    expect(await leftByRefused()).toBeLessThan(4000);
  });

  it('whose client goes before the service has answered leaves nothing behind on either side', async () => {
    let hasEnded = false;
    const url = await startService((socket) => void socket.resume().on('end', () => (hasEnded = true)));
    const gateway = await startGateway({ USER_SERVICE_URL: url });
    const socket = await open(gateway, handshake(known()));
    await pause(100);
    socket.end();
    await expect.poll(() => hasEnded).toBe(true);
    expect(await stopMs(gateway)).toBeLessThan(4000);
  });

  it('that is under way when the gateway stops is told to come again', async () => {
    const gateway = await startGateway({ USER_SERVICE_URL: await startService((socket) => void socket.resume()) });
    const socket = await open(gateway, handshake(known()));
    await pause(100);
    const [answer] = await Promise.all([once(socket, 'data'), gateway.stop()]);
    expect(String(answer)).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1/i);
  });

  it('that is answered with a long text is no way to fill the memory: who does not read is not sent more', async () => {
    let sentMegabytes = 0;
    const url = await startService((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n');
      const megabyte = Buffer.alloc(1_000_000);
      const send = (): void => {
        while (sentMegabytes < 200 && !socket.destroyed) {
          sentMegabytes += 1;
          if (!socket.write(megabyte)) return void socket.once('drain', send);
        }
      };
      send();
    });
    const gateway = await startGateway({ USER_SERVICE_URL: url });
    (await open(gateway, handshake(known()))).pause();
    await pause(1000);
    expect(sentMegabytes).toBeGreaterThan(1);
    expect(sentMegabytes).toBeLessThan(60);
  });
});

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Listener, type ListenOptions, listen } from '@sallyport/kit/listener';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificate, testFolder } from '../testing/certificates.ts';

const handler: ListenOptions['handler'] = (_req, res) => void res.end('ok');
const helloBegun = Buffer.from('16030102000100', 'hex');

const startListener = async (handshakeTimeout: number): Promise<Listener> => {
  const certificate = makeCertificate(testFolder(), 'front', 'DNS:localhost');
  const listener = await listen({ port: 0, handler, certificate, serverOptions: { handshakeTimeout } });
  onTestFinished(() => listener.close(0));
  return listener;
};

/** Connects, begins a handshake or says nothing at all, and keeps its own side open whatever happens. */
const stall = async ({ port }: Listener, bytes: Buffer): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined).resume();
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
};

it.each([
  ['says nothing', Buffer.alloc(0)],
  ['stops in the middle of its first message', helloBegun],
])(
  'a client that %s instead of shaking hands holds no connection longer than the handshake may take',
  async (_, bytes) => {
    const listener = await startListener(100);
    const stalled = await stall(listener, bytes);
    await Promise.race([once(stalled, 'end'), once(stalled, 'close')]);
    stalled.destroy();
    const beganMs = performance.now();
    await listener.close(8000);
    expect(performance.now() - beganMs).toBeLessThan(1000);
  },
);

it('a handshake that is under way does not hold up a stop', async () => {
  const listener = await startListener(60_000);
  await stall(listener, helloBegun);
  const beganMs = performance.now();
  await listener.close(8000);
  expect(performance.now() - beganMs).toBeLessThan(2000);
});

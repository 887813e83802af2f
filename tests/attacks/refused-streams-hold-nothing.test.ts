/** A refused handshake leaves no connection behind, and nobody holds more streams than he may. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeviceChat, startDeviceChat } from '../testing/device-chat.ts';
import { loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { httpClient } from '../testing/http-client.ts';
import { newPerson } from '../testing/people.ts';

let system: DeviceChat;
beforeAll(async () => {
  system = await startDeviceChat({ chat: { CHAT_HANDSHAKES_PER_MINUTE: '50' } });
});
afterAll(() => system.remove());

/** By hand: nothing of it closes of its own accord, as a client that means ill would not. */
const handshake = async (token: string, path = '/api/messages/stream', upgrade = 'websocket') => {
  const { hostname, port } = new URL(system.chat.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: ${upgrade}\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: bearer, ${token}\r\n\r\n`,
  );
  while (text === '') await once(socket, 'data');
  return { socket, status: Number(text.slice(9, 12)) };
};

const accessToken = async (): Promise<string> => {
  const person = newPerson();
  const call = httpClient(system.issuer.url);
  const device = await registerDevice(call, { username: usernameOf(person), password: person.password });
  const { body } = await loginOnDevice(call, device, person.password);
  return String(body['access_token']);
};

const gone = async (socket: Awaited<ReturnType<typeof handshake>>['socket'], withinMs: number): Promise<boolean> => {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    // A connection that the server has given up answers what comes late with a reset.
    if (!socket.destroyed) socket.write('x');
    if (socket.destroyed) return true;
    await sleep(50);
  }
  return false;
};

describe('a stream', () => {
  it('that is refused leaves no connection behind, though its client never closes', async () => {
    const { socket, status } = await handshake('a.b.c');
    expect(status).toBe(401);
    expect(await gone(socket, 3000)).toBe(true);
  });

  it('is open twenty times for one user, however many he asks for and whatever his clients answer', async () => {
    const token = await accessToken();
    const all = [];
    for (let turn = 0; turn < 40; turn += 1) all.push(await handshake(token));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 101));
    const { text } = await httpClient(system.chat.privateUrl)('GET', '/metrics');
    expect(/^chat_stream_connections\{[^}]*\} (\d+)/m.exec(text)?.[1]).toBe('20');
    // The others were asked to close and have not answered.
    const cut = await Promise.all(all.slice(0, 20).map(({ socket }) => gone(socket, 3000)));
    expect(cut).toEqual(cut.map(() => true));
    for (const { socket } of all) socket.destroy();
  });

  it('is at its own path alone; what wishes for another protocol elsewhere is answered as if it did not', async () => {
    for (const upgrade of ['h2c', 'websocket']) {
      const { socket, status } = await handshake('a.b.c', '/health', upgrade);
      expect(status).toBe(200);
      socket.destroy();
    }
  });

  it('is asked for so often from one address, and not oftener', async () => {
    let asked = 0;
    let last = await handshake('a.b.c');
    for (; last.status === 401 && asked < 120; asked += 1) {
      last.socket.destroy();
      last = await handshake('a.b.c');
    }
    expect(last.status).toBe(429);
    expect(asked).toBeLessThanOrEqual(50);
    expect(await gone(last.socket, 3000)).toBe(true);
    // A stranger's refusals keep nobody out, who may sit behind the same proxy.
    const owner = await handshake(await accessToken());
    expect(owner.status).toBe(101);
    owner.socket.destroy();
  });
});

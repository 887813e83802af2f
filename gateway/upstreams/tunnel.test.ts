import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { bearer, type Rig, sendRaw, startGateway, valuesOf, verifierOf } from '../testing/rig.ts';

/** A service that speaks WebSocket and says back what it hears; `refuse`: answers the handshake with that status. */
const startChat = async (refuse?: number) => {
  const handshakes: IncomingMessage[] = [];
  const server = createServer((_, res) => res.end('plain'));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket, head) => {
    handshakes.push(req);
    if (refuse !== undefined) {
      socket.end(`HTTP/1.1 ${refuse} No\r\ncontent-length: 4\r\nx-user-id: forged\r\n\r\nnope`);
      return;
    }
    sockets.handleUpgrade(req, socket, head, (peer) => {
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
      peer.on('close', () => peer.terminate());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const peer of sockets.clients) peer.terminate();
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, handshakes, sockets };
};

const open = async ({ port }: Rig, headers: Record<string, string> = bearer()): Promise<WebSocket> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/users/chat?room=1`, { headers });
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
};

const statusOfRefusal = async ({ port }: Rig, headers: Record<string, string>): Promise<number | undefined> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/users/chat`, { headers });
  socket.on('error', () => undefined);
  onTestFinished(() => socket.terminate());
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  return response.statusCode;
};

describe('a WebSocket', () => {
  it('goes through, both ways, text and bytes, large and small', async () => {
    const chat = await startChat();
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    const socket = await open(gateway);
    for (const message of ['hello', 'x'.repeat(300_000), '']) {
      socket.send(message);
      const [data] = await once(socket, 'message');
      expect(String(data) === message).toBe(true);
    }
    socket.send(Buffer.alloc(70_000, 7));
    const [bytes, isBinary] = await once(socket, 'message');
    expect([bytes.length, isBinary]).toEqual([70_000, true]);
    socket.close(1000);
    expect((await once(socket, 'close'))[0]).toBe(1000);
  });

  it('is judged like any request before the service hears of it', async () => {
    const chat = await startChat();
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    expect(await statusOfRefusal(gateway, {})).toBe(401);
    expect(await statusOfRefusal(gateway, { authorization: 'Bearer a.b.c' })).toBe(401);
    expect(chat.handshakes).toHaveLength(0);
  });

  it('carries a signed identity for its own target, and none of the client’s', async () => {
    const chat = await startChat();
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    await open(gateway, { ...bearer(), 'X-User-Id': 'forged', X_User_Id: 'forged', 'X-Gateway-Assertion': 'forged' });
    const [handshake] = chat.handshakes;
    const lines = (handshake?.rawHeaders ?? []).flatMap((name, at, all) =>
      at % 2 === 0 ? [[name, all[at + 1] ?? ''] as const] : [],
    );
    expect(handshake?.url).toBe('/users/chat?room=1');
    const [assertion = ''] = valuesOf({ lines }, 'x-gateway-assertion');
    expect(valuesOf({ lines }, 'x-user-id')).not.toContain('forged');
    expect(valuesOf({ lines }, 'authorization')).toEqual([]);
    const verdict = verifierOf('user-service').verify(assertion, { method: 'GET', target: '/users/chat?room=1' });
    expect(verdict).toMatchObject({ ok: true });
  });

  it('that the service refuses is answered with what the service said, without its identity headers', async () => {
    const chat = await startChat(404);
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    const text = await handshakeText(gateway);
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(text).toContain('nope');
    expect(text.toLowerCase()).not.toContain('x-user-id');
  });

  it('ends with the service, and the service with the client', async () => {
    const chat = await startChat();
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    const socket = await open(gateway);
    for (const peer of chat.sockets.clients) peer.terminate();
    await once(socket, 'close');
    const again = await open(gateway);
    again.terminate();
    await expect.poll(() => chat.sockets.clients.size).toBe(0);
  });

  it('hears 1001 when the gateway stops, which does not wait for it', async () => {
    const chat = await startChat();
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    const socket = await open(gateway);
    const closed = once(socket, 'close');
    const startedMs = performance.now();
    await gateway.stop();
    expect((await closed)[0]).toBe(1001);
    expect(performance.now() - startedMs).toBeLessThan(3000);
  });
});

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const handshake = (overrides: Record<string, string | undefined> = {}): string => {
  const headers = {
    host: 'a',
    authorization: bearer().authorization,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
    ...overrides,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `GET /api/v1/users/chat HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
};
const handshakeText = (rig: Rig, overrides: Record<string, string | undefined> = {}): Promise<string> =>
  sendRaw(rig, handshake(overrides), 3000);

describe('no tunnel past the steps', () => {
  it.each([
    ['h2c', { upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' }, 501],
    ['another protocol', { upgrade: 'TLS/1.0' }, 501],
    ['two protocols', { upgrade: 'websocket, h2c' }, 501],
    ['another version', { 'sec-websocket-version': '8' }, 400],
    ['no key', { 'sec-websocket-key': undefined }, 400],
    ['a key of the wrong length', { 'sec-websocket-key': 'AAAA' }, 400],
    ['a body', { 'content-length': '0' }, 501],
  ])('%s is refused', async (_, overrides, status) => {
    const chat = await startChat();
    const gateway = await startGateway({ USER_SERVICE_URL: chat.url });
    expect(await handshakeText(gateway, overrides)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(chat.handshakes).toHaveLength(0);
  });

  it.each([
    [
      'a wrong accept key',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: AAAA\r\n\r\n',
    ],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: Upgrade\r\n\r\n'],
    ['a head of the wrong form', 'HTTP/1.1 101 Switching Protocols\nupgrade: websocket\r\n\r\n'],
    ['nothing at all', ''],
  ])('a service that answers with %s opens none', async (_, answer) => {
    const server = createSocketServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end(answer));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const gateway = await startGateway({
      USER_SERVICE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    expect(await handshakeText(gateway)).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('a request sent behind a handshake that is refused never reaches a service', async () => {
    const gateway = await startGateway();
    const text = await sendRaw(
      gateway,
      handshake({ authorization: undefined }) + handshake({ upgrade: undefined }),
      2000,
    );
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    await sleep(50);
    expect(gateway.services.seen()).toBe(0);
  });

  it('a client that goes away in the handshake leaves nothing behind', async () => {
    let closed = false;
    const server = createSocketServer((socket) => {
      socket.resume();
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        closed = true;
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const gateway = await startGateway({
      USER_SERVICE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(handshake());
    await sleep(200);
    socket.destroy();
    await expect.poll(() => closed).toBe(true);
  });
});

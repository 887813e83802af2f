import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { start } from '../server.ts';
import { type Rig, type Service, send, startGateway, unsafe } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

/** Fewer connections and places than there are attackers. */
const scarce = { UPSTREAM_CONNECTIONS: '4', UPSTREAM_PENDING: '12' };
const attackers = 30;
const big = Buffer.alloc(8_000_000);

/** Answers at once, but for a chat that it never opens: with much, with a stream that never ends, or with how many bytes came. */
const service: Service = async (req, res) => {
  if (req.url === '/auth/chat') return;
  if (req.url === '/auth/big') return void res.end(big);
  if (req.url === '/auth/events')
    return void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
  let bytes = 0;
  for await (const chunk of req) bytes += (chunk as Buffer).length;
  res.end(String(bytes));
};

const attack = async ({ port }: Rig, bytes: string, count = attackers): Promise<readonly Socket[]> => {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) {
    socket.on('error', () => undefined).pause();
    socket.write(bytes, 'latin1');
  }
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
};

const post = (length: number, begun: string): string =>
  `POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n${begun}`;
const get = (path: string): string => `GET /api/v1/auth/${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

/** Whether twenty ordinary requests, one after the other, are all answered within a second and a half. */
const othersAreServed = async (gateway: Rig): Promise<boolean> => {
  const ask = async (): Promise<boolean> => {
    for (let n = 0; n < 20; n += 1) if ((await send(gateway, '/api/v1/auth/verify')).status !== 200) return false;
    return true;
  };
  return Promise.race([ask(), pause(1500).then(() => false)]);
};

const servedBeside = async (bytes: string, begin?: typeof start): Promise<boolean> => {
  const gateway = await startGateway(scarce, service, begin);
  await attack(gateway, bytes);
  // Who holds a connection has a second, so long a client may be silent by itself; readers fill the buffers on their way first.
  await pause(/\/big|expect/.test(bytes) ? 1400 : 200);
  return othersAreServed(gateway);
};

describe('others are served at once beside clients that', () => {
  it.each([
    ['send a head without end', 'GET /api/v1/auth/verify HTTP/1.1\r\nhost: a\r\nx-a: '],
    ['send a short body without end', post(1000, '{')],
    [
      'send a chunked body without end',
      `${post(0, '').replace('content-length: 0', 'transfer-encoding: chunked')}5\r\n`,
    ],
    ['wait for 100 and then send nothing', post(1000, '').replace('\r\n\r\n', '\r\nexpect: 100-continue\r\n\r\n')],
    ['do not read their answers', get('big')],
    ['ask for more and more without reading', get('big').repeat(50)],
  ])('%s', async (_, bytes) => {
    expect(await servedBeside(bytes)).toBe(true);
  });

  it('listen to streams that never end, as many as a service may have under way but one', async () => {
    const gateway = await startGateway(scarce, service);
    await attack(gateway, get('events'), 11);
    await pause(200);
    expect(await othersAreServed(gateway)).toBe(true);
  });

  it('hold WebSockets open, more than a service may have requests under way', async () => {
    const gateway = await startGateway(scarce, service);
    const handshake =
      'GET /api/v1/auth/chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    const sockets = await attack(gateway, handshake);
    expect(await othersAreServed(gateway)).toBe(true);
    // Of which there are no more than so many either.
    const answers = await Promise.all(sockets.slice(12).map((socket) => once(socket.resume(), 'data')));
    expect(answers.filter((answer) => String(answer).startsWith('HTTP/1.1 503 '))).toHaveLength(attackers - 12);
  });
});

/** How many of thirty requests a service hears of whose short bodies are not whole. */
const heardOfHalf = async (begin?: typeof start): Promise<number> => {
  const gateway = await startGateway(scarce, service, begin);
  await attack(gateway, post(1000, '{'));
  await pause(300);
  return gateway.services.seen();
};

describe('a body that comes slowly', () => {
  it('is nothing that a service hears of before it is whole', async () => {
    expect(await heardOfHalf()).toBe(0);
  });

  it('arrives as it was sent, all at once or what is over 64 KB as it comes', async () => {
    const gateway = await startGateway(scarce, service);
    const credentials = Object.entries(unsafe()).map(([name, value]) => `${name}: ${value}\r\n`);
    for (const length of [3000, 300_000]) {
      const head = `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\n${credentials.join('')}content-length: ${length}\r\n\r\n`;
      const [socket = connect(0)] = await attack(gateway, head, 1);
      for (let part = 0; part < 3; part += 1) {
        await pause(30);
        socket.write('x'.repeat(length / 3));
      }
      const [answer] = await once(socket.resume(), 'data');
      expect(String(answer)).toMatch(new RegExp(`^HTTP/1\\.1 200 [\\s\\S]*\\r\\n\\r\\n${length}$`));
    }
  });

  it('and is too long is refused with 413, also where nothing says how long it will be', async () => {
    const gateway = await startGateway(scarce, service);
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const head = post(0, '').replace('content-length: 0', 'transfer-encoding: chunked');
    const [socket = connect(0)] = await attack(gateway, head + chunk + chunk, 1);
    const [answer] = await once(socket.resume(), 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('is known to be able to fail', () => {
  it.each([
    [
      'who does not read keeps its place',
      'upstreams/upstream.ts',
      'pool.endHeld(leastHeldMs)',
      'pool === undefined',
      get('big'),
    ],
    [
      'who does not read counts as a connection',
      'http1/connection.ts',
      'return this.isHeld || (',
      'return (',
      get('big'),
    ],
  ])('where %s', async (_, file, find, replace, bytes) => {
    await withSabotage({ file, find, replace }, async (begin) => {
      expect(await servedBeside(bytes, begin)).toBe(false);
    });
  });

  it('where bodies are not gathered, a service hears of half a body', async () => {
    const sabotage = {
      file: 'upstreams/relay.ts',
      find: 'if (body === null || this.#exchange.expectsContinue) {',
      replace: 'if (this.#request !== undefined) {',
    };
    await withSabotage(sabotage, async (begin) => {
      expect(await heardOfHalf(begin)).toBeGreaterThan(0);
    });
  });
});

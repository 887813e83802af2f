/** Odd bytes from both sides at odd times: whatever becomes of them, the gateway goes on, and holds nothing afterwards. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { insecureSeededRandom } from '@sallyport/kit/random';
import { expect, it, onTestFinished } from 'vitest';
import { accepted, doors } from '../testing/raw-service.ts';
import { bearer, send, startGateway, unsafe } from '../testing/rig.ts';

const seed = Number(process.env['SALLYPORT_PROPERTY_SEED'] ?? 20_261_122);
const rounds = Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 400);
const source = insecureSeededRandom(seed);
const random = (): number => source.bytes(4).readUInt32LE() / 2 ** 32;
const below = (limit: number): number => Math.floor(random() * limit);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const odd = [
  '\r\n',
  '\n',
  '\0',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  '0\r\n\r\n',
  'ffffffff\r\n',
  '\xff',
  '%',
  '/../',
  'HTTP/1.1 ',
];
/** A few bytes changed, left out, doubled, or put in. */
const mutated = (text: string): string => {
  let changed = text;
  for (let times = below(4); times > 0; times -= 1) {
    const at = below(changed.length);
    const end = at + below(12);
    changed = pick([
      () => changed.slice(0, at) + pick(odd) + changed.slice(at),
      () => changed.slice(0, at) + changed.slice(end),
      () => changed.slice(0, end) + changed.slice(at),
      () => changed.slice(0, at) + String.fromCharCode(below(256)) + changed.slice(at + 1),
    ])();
  }
  return changed;
};

const requests = (): readonly string[] => {
  const authorization = `authorization: ${bearer().authorization}`;
  const credentials = Object.entries(unsafe()).map(([name, value]) => `${name}: ${value}\r\n`);
  const post = `POST /api/v1/payments HTTP/1.1\r\nhost: a\r\n${credentials.join('')}`;
  return [
    ...doors.map(([, door]) => door('/api/v1/users/me', authorization)),
    ...doors.map(([, door]) => door('/api/v1/auth/login')),
    `GET /api/v1/users/me HTTP/1.1\r\nhost: a\r\n${authorization}\r\n\r\n`,
    `HEAD /api/v1/users/me HTTP/1.1\r\nhost: a\r\n${authorization}\r\n\r\n`,
    `${post}content-length: 5\r\n\r\n12345`,
    `${post}transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nx-a: b\r\n\r\n`,
    `${post}expect: 100-continue\r\ncontent-length: 5\r\n\r\n`,
    `${post}content-length: 90000\r\n\r\n${'x'.repeat(70_000)}`,
    'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n',
    'GET /health HTTP/1.1\r\nhost: a\r\nexpect: something\r\n\r\n',
  ];
};
const answers = [
  'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n',
  'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
  `${accepted}\r\n\x81\x02hi`,
  `HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n${'y'.repeat(300_000)}`,
];

/** Answers in pieces, and leaves when it likes. */
const startOddService = async (): Promise<string> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      const answer = mutated(pick(answers));
      const cut = below(answer.length);
      socket.write(answer.slice(0, cut), 'latin1');
      setTimeout(() => {
        if (socket.destroyed) return;
        socket.write(answer.slice(cut), 'latin1');
        pick([() => undefined, () => socket.end(), () => socket.destroy(), () => socket.resetAndDestroy()])();
      }, below(4));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const attackOnce = async (port: number): Promise<void> => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const isReader = random() < 0.8;
  if (isReader) socket.resume();
  const bytes = Array.from({ length: 1 + below(3) }, () => mutated(pick(requests()))).join('');
  const cut = below(bytes.length);
  socket.write(bytes.slice(0, cut), 'latin1');
  if (random() < 0.5) await pause(below(4));
  if (!socket.destroyed) socket.write(bytes.slice(cut), 'latin1');
  await pause(below(20));
  pick([() => socket.destroy(), () => socket.resetAndDestroy(), () => socket.end()])();
  await Promise.race([closed, pause(50)]);
  socket.destroy();
};

it(`nothing ends the process or stays behind (seed ${seed})`, async () => {
  const url = await startOddService();
  const urls = { AUTH_SERVICE_URL: url, USER_SERVICE_URL: url, PAYMENT_SERVICE_URL: url };
  const gateway = await startGateway({ ...urls, UPSTREAM_TIMEOUT_SECONDS: '1' });
  const attackers = Array.from({ length: 8 }, async () => {
    for (let round = 0; round < rounds / 8; round += 1) await attackOnce(gateway.port);
  });
  await Promise.all(attackers);
  expect((await send(gateway, '/health')).status).toBe(200);
  // Whatever was under way has ended with its client, or a second after its service fell silent: a gateway that holds a socket waits.
  await pause(1200);
  const began = performance.now();
  await gateway.stop();
  expect(performance.now() - began).toBeLessThan(5000);
}, 60_000);

it('a CONNECT whose client resets its connection ends nothing else', async () => {
  const gateway = await startGateway();
  for (let n = 0; n < 30; n += 1) {
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    socket.write('CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\nmore');
    await pause(n % 3);
    socket.resetAndDestroy();
  }
  expect((await send(gateway, '/health')).status).toBe(200);
});

import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bearer, problemOf, send, startGateway, startService, statusesOf, unsafe } from '../testing/rig.ts';

/** A service on both loopbacks or one, by the name `localhost`. */
const onHost = async (host: string): Promise<string> => {
  const server = createServer((_, res) => res.end(host));
  await once(server.listen(0, host), 'listening');
  onTestFinished(() => server.close().closeAllConnections());
  return `http://localhost:${(server.address() as AddressInfo).port}`;
};

const loopbacks = await lookup('localhost', { all: true });

describe('a service by the name localhost', () => {
  it.each(loopbacks.map(({ address }) => address))('is found where it listens on %s alone', async (host) => {
    const gateway = await startGateway({ PAYMENT_SERVICE_URL: await onHost(host) });
    const answer = await send(gateway, '/api/v1/payments', { headers: bearer() });
    expect([answer.status, answer.body]).toEqual([200, host]);
  });
});

/** Breaks every connection after its first bytes, and counts them. */
const breaking = async (): Promise<{ url: string; connections: () => number }> => {
  let connections = 0;
  const server = createSocketServer((socket) => {
    connections += 1;
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => connections };
};

describe('a request that may have reached a service', () => {
  it.each(['GET', 'POST'])('is not repeated (%s)', async (method) => {
    const { url, connections } = await breaking();
    const gateway = await startGateway({ PAYMENT_SERVICE_URL: url });
    const answer = await send(gateway, '/api/v1/payments', { method, headers: unsafe() });
    expect([answer.status, problemOf(answer)['code'], connections()]).toEqual([502, 'upstream_unavailable', 1]);
  });
});

describe('requests under way to one service', () => {
  it('are bounded: beyond, 503 with Retry-After, until one has ended', async () => {
    const waiting: (() => void)[] = [];
    const gateway = await startGateway({ UPSTREAM_PENDING: '2' }, (_, res) => {
      waiting.push(() => res.end('done'));
    });
    const ask = () => send(gateway, '/api/v1/payments', { headers: bearer() });
    const first = [ask(), ask()];
    await expect.poll(() => waiting.length).toBe(2);
    const third = await ask();
    expect([third.status, problemOf(third)['code'], third.headers['retry-after']]).toEqual([503, 'busy', '1']);
    for (const answer of waiting) answer();
    expect((await Promise.all(first)).map(({ body }) => body)).toEqual(['done', 'done']);
    const fourth = ask();
    await expect.poll(() => waiting.length).toBe(3);
    waiting[2]?.();
    expect((await fourth).body).toBe('done');
  });

  it('are released by clients that go away, and by answers that fail', async () => {
    const { url } = await breaking();
    const gateway = await startGateway({ UPSTREAM_PENDING: '1', USER_SERVICE_URL: url }, () => undefined);
    const head = `host: a\r\nauthorization: ${bearer().authorization}\r\n\r\n`;
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    socket.write(`GET /api/v1/payments HTTP/1.1\r\n${head}`);
    await expect.poll(() => gateway.services.seen()).toBe(1);
    socket.destroy();
    for (let round = 0; round < 3; round += 1) {
      expect((await send(gateway, '/api/v1/users', { headers: bearer() })).status).toBe(502);
    }
    const again = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void again.destroy());
    again.write(`GET /api/v1/payments HTTP/1.1\r\n${head}`);
    await expect.poll(() => gateway.services.seen()).toBe(2);
  });
});

describe('a client slower than the service', () => {
  it('holds the service back instead of filling memory', async () => {
    let written = 0;
    let isHeld = false;
    const part = Buffer.alloc(65_536, 'x');
    const gateway = await startGateway({}, (_, res) => {
      const push = (): void => {
        while (written < 64 * 1024 * 1024 && !res.destroyed) {
          written += part.length;
          if (!res.write(part)) {
            isHeld = true;
            res.once('drain', push);
            return;
          }
        }
        res.end();
      };
      push();
    });
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(`GET /api/v1/payments HTTP/1.1\r\nhost: a\r\nauthorization: ${bearer().authorization}\r\n\r\n`);
    await expect.poll(() => isHeld).toBe(true);
    for (let before = -1; before !== written; await sleep(200)) before = written;
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('a service that answers before the body has come', () => {
  it('is heard, and the connection stays usable', async () => {
    const early = await startService((_, res) => void res.writeHead(409).end('early'));
    const gateway = await startGateway({ PAYMENT_SERVICE_URL: early.url });
    const head = Object.entries(unsafe()).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect(gateway.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    // More than is gathered before a service hears of it.
    const begun = `content-length: 100000\r\n\r\n${'x'.repeat(70_000)}`;
    socket.write(`POST /api/v1/payments HTTP/1.1\r\nhost: a\r\n${head.join('')}${begun}`);
    await expect.poll(() => statusesOf(answer)).toEqual([409]);
    socket.write(`${'x'.repeat(30_000)}GET /health HTTP/1.1\r\nhost: a\r\n\r\n`);
    await expect.poll(() => statusesOf(answer)).toEqual([409, 200]);
  });
});

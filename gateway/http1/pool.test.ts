import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Flow } from './connection.ts';
import { serviceAddress } from './open-socket.ts';
import { createHttpPool, type HttpPool } from './pool.ts';
import type { OutgoingRequest } from './request-head.ts';

/** A service made of bytes: `onConnection` does what it likes with each socket. */
const startBytes = async (onConnection: (socket: Socket, nth: number) => void) => {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    sockets.push(socket);
    onConnection(socket, sockets.length);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
};

const openPool = (origin: string, options: Partial<Parameters<typeof createHttpPool>[0]> = {}): HttpPool => {
  const pool = createHttpPool({
    address: serviceAddress(origin),
    maxConnections: 4,
    connectTimeoutMs: 500,
    answerTimeoutMs: 500,
    ...options,
  });
  onTestFinished(() => pool.close());
  return pool;
};

const get: OutgoingRequest = { method: 'GET', target: '/a?b=c', headers: ['x-a', '1'], body: null };

interface Asked {
  readonly status: number;
  readonly body: string;
}

const ask = (pool: HttpPool, request: OutgoingRequest = get, steer?: (flow: Flow) => void): Promise<Asked> =>
  new Promise((resolve, reject) => {
    let status = 0;
    let body = '';
    pool.dispatch(request, {
      onStart: (flow) => steer?.(flow),
      onHead: (head) => {
        status = head.status;
      },
      onBody: (part) => {
        body += part.toString('latin1');
      },
      onRead: () => undefined,
      onEnd: () => resolve({ status, body }),
      onError: reject,
    });
  });

const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe('a pool', () => {
  it('writes the request as it is told, and uses a connection again and again', async () => {
    const seen: string[] = [];
    const { origin, sockets } = await startBytes((socket) =>
      socket.on('data', (data) => {
        seen.push(`${data}`);
        socket.write(answer('ok'));
      }),
    );
    const pool = openPool(origin);
    for (let round = 0; round < 5; round += 1) expect(await ask(pool)).toEqual({ status: 200, body: 'ok' });
    expect(sockets).toHaveLength(1);
    expect(seen[0]).toBe(`GET /a?b=c HTTP/1.1\r\nhost: ${origin.slice(7)}\r\nx-a: 1\r\n\r\n`);
  });

  it.each([
    ['without a body', get],
    ['with a body', { ...get, method: 'POST' }],
  ])('gives a request %s no answer that came before it was written', async (_, request) => {
    const { origin, sockets } = await startBytes((socket, nth) =>
      socket.on('data', () => socket.write(answer(nth === 1 ? 'first' : 'own'))),
    );
    const pool = openPool(origin);
    expect((await ask(pool)).body).toBe('first');
    const body = request.method === 'POST' ? Readable.from([Buffer.from('body')]) : null;
    const outcome = await new Promise<unknown>((resolve) => {
      // An answer that nobody asked for (a 408, or one too many) comes in the turn in which the next request takes the connection.
      setTimeout(() => {
        sockets[0]?.write(answer('of somebody else'));
        ask(pool, { ...request, body }).then(resolve, resolve);
      });
    });
    expect(outcome).toMatchObject({ name: 'ConnectionLost', wasKept: true });
    expect((await ask(pool)).body).toBe('own');
  });

  it('opens no more connections than it may; the others wait in line, in order', async () => {
    let under = 0;
    let most = 0;
    const { origin, sockets } = await startBytes((socket) =>
      socket.on('data', () => {
        under += 1;
        most = Math.max(most, under);
        setTimeout(() => {
          under -= 1;
          socket.write(answer('ok'));
        }, 10);
      }),
    );
    const pool = openPool(origin, { maxConnections: 2 });
    const answers = await Promise.all(Array.from({ length: 9 }, () => ask(pool)));
    expect([answers.length, most, sockets.length]).toEqual([9, 2, 2]);
  });

  it('opens a new connection after one that the service ends', async () => {
    const { origin, sockets } = await startBytes((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok')),
    );
    const pool = openPool(origin);
    await ask(pool);
    expect((await ask(pool)).body).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('never uses a connection on which something came unasked', async () => {
    const { origin, sockets } = await startBytes((socket) =>
      socket.on('data', () => {
        socket.write(answer('ok'));
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'), 10);
      }),
    );
    const pool = openPool(origin);
    for (let round = 0; round < 3; round += 1) {
      expect((await ask(pool)).body).toBe('ok');
      await sleep(40);
    }
    expect(sockets).toHaveLength(3);
  });

  it('tells a connection that could not be opened from one that broke', async () => {
    const { origin } = await startBytes((socket) => socket.once('data', () => socket.destroy()));
    await expect(ask(openPool(origin))).rejects.toMatchObject({ name: 'ConnectionLost', wasKept: false });
    await expect(ask(openPool('http://127.0.0.1:9'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('says of a kept connection that it was kept', async () => {
    const { origin } = await startBytes((socket) =>
      socket.once('data', () => {
        socket.write(answer('ok'));
        socket.once('data', () => socket.destroy());
      }),
    );
    const pool = openPool(origin);
    await ask(pool);
    await expect(ask(pool)).rejects.toMatchObject({ name: 'ConnectionLost', wasKept: true });
  });

  it('gives up on an answer that does not come, and on one that stops', async () => {
    const { origin } = await startBytes((socket, nth) =>
      socket.once('data', () => {
        if (nth === 2) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
      }),
    );
    const pool = openPool(origin, { answerTimeoutMs: 200 });
    await expect(ask(pool)).rejects.toMatchObject({ code: 'HTTP1_ANSWER_TIMEOUT' });
    await expect(ask(pool)).rejects.toMatchObject({ code: 'HTTP1_ANSWER_TIMEOUT' });
  });

  it('hears the next answer on a connection whose last one was held up at its end', async () => {
    const { origin, sockets } = await startBytes((socket) => socket.on('data', () => socket.write(answer('ok'))));
    const pool = openPool(origin, { maxConnections: 1 });
    for (const resumes of [true, false]) {
      let held: Flow | undefined;
      const holding = { onStart: (flow: Flow) => (held = flow), onBody: () => held?.pause() };
      await new Promise<void>((resolve, reject) => {
        const rest = { onHead: () => undefined, onRead: () => undefined, onEnd: resolve, onError: reject };
        pool.dispatch(get, { ...rest, ...holding });
      });
      if (resumes) held?.resume();
      expect(await ask(pool)).toEqual({ status: 200, body: 'ok' });
    }
    expect(sockets).toHaveLength(1);
  });

  it('does not count the time that our own side holds the answer up', async () => {
    const { origin } = await startBytes((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha');
        setTimeout(() => socket.write('lf'), 100);
      }),
    );
    const pool = openPool(origin, { answerTimeoutMs: 200 });
    const whole = ask(pool, get, (flow) => {
      setTimeout(() => flow.pause(), 50);
      setTimeout(() => flow.resume(), 700);
    });
    expect((await whole).body).toBe('half');
  });

  it('fails what is under way when it is aborted or closed', async () => {
    const { origin } = await startBytes(() => undefined);
    const pool = openPool(origin);
    await expect(ask(pool, get, (flow) => setTimeout(() => flow.abort(new Error('enough')), 20))).rejects.toThrow(
      'enough',
    );
    const waiting = ask(pool);
    await sleep(50);
    pool.close();
    await expect(waiting).rejects.toThrow('the pool was closed');
    expect(pool.connections).toBe(0);
  });

  it('never writes a head that a value could end', async () => {
    const { origin, sockets } = await startBytes(() => undefined);
    const pool = openPool(origin);
    for (const value of ['a\r\nx-injected: 1', 'a\nb', 'a\rb', 'a\0b', 'a\u0100']) {
      await expect(ask(pool, { ...get, headers: ['x-a', value] })).rejects.toThrow('control character');
    }
    await sleep(20);
    expect(sockets.every((socket) => socket.bytesRead === 0)).toBe(true);
  });
});

import { once } from 'node:events';
import { Agent, createServer, get, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@sallyport/contract';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ListenError,
  type Listener,
  type ListenOptions,
  listen,
  type PrivateListenerOptions,
  privateListener,
} from './listener.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

const opened = async (handler: RequestListener, options: Partial<ListenOptions> = {}): Promise<Listener> => {
  const listener = await listen({ handler, port: 0, ...options });
  onTestFinished(() => listener.close(0));
  return listener;
};
const hello: RequestListener = (_, res) => void res.end('hello');
const text = async (url: string): Promise<string> => (await fetch(url)).text();

describe('listen', () => {
  it.runIf(hasIpv6)('shares one drawn port between both loopbacks', async () => {
    const { port, url, addresses } = await opened(hello);
    expect(addresses).toEqual([`127.0.0.1:${port}`, `[::1]:${port}`]);
    expect(url).toBe(`http://localhost:${port}`);
    expect(await Promise.all([`http://127.0.0.1:${port}`, `http://[::1]:${port}`].map(text))).toEqual([
      'hello',
      'hello',
    ]);
  });

  it.runIf(hasIpv6)('serves a Fastify app on every address', async () => {
    const app = Fastify();
    app.get('/', async () => 'from fastify');
    await app.ready();
    const { port } = await opened(app.routing);
    expect(await Promise.all([`http://127.0.0.1:${port}`, `http://[::1]:${port}`].map(text))).toEqual([
      'from fastify',
      'from fastify',
    ]);
    await app.close();
  });

  it.runIf(hasIpv6)(
    'names the port and the setting when the port is taken, on whichever loopback, and leaves nothing open',
    async () => {
      const holder = createServer();
      await once(holder.listen(0, '::1'), 'listening');
      onTestFinished(() => void holder.close());
      const { port } = holder.address() as { port: number };
      const refused = listen({ handler: hello, port, setting: 'AUTH_PORT' });
      await expect(refused).rejects.toThrow(ListenError);
      await expect(refused).rejects.toThrow(
        `port ${port} on ::1 is in use: stop the process that holds it, or set AUTH_PORT`,
      );
      await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
    },
  );

  it('says so when the machine has no such address', async () => {
    await expect(listen({ handler: hello, port: 0, hosts: ['192.0.2.1'] })).rejects.toThrow('no address 192.0.2.1');
  });

  it('answers what is no HTTP with a problem', async () => {
    const { port } = await opened(hello);
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    socket.write('hello\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toContain('"code":"request_malformed"');
  });
});

describe('close', () => {
  const slow: RequestListener = (_, res) => void setTimeout(() => res.end('done'), 100);

  it('finishes accepted requests, also on kept connections, and accepts no new one', async () => {
    const listener = await opened(slow);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [answer] = await Promise.all([
      new Promise<string>((resolve, reject) => {
        const request = get({ port: listener.port, host: '127.0.0.1', agent }, (res) =>
          res.on('data', (chunk) => resolve(String(chunk))),
        );
        request.on('error', reject);
      }),
      sleep(30).then(() => listener.close(5000)),
    ]);
    expect(answer).toBe('done');
    await expect(fetch(listener.url)).rejects.toThrow();
  });

  it('does not wait for connections that were idle or fell idle', async () => {
    const listener = await opened(hello);
    const silent = connect(listener.port, '127.0.0.1');
    await once(silent, 'connect');
    const kept = connect(listener.port, '127.0.0.1');
    kept.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(kept, 'data');
    const before = performance.now();
    await listener.close(5000);
    expect(performance.now() - before).toBeLessThan(1000);
  });

  it('ends a connection that goes on sending requests', async () => {
    const listener = await opened(hello);
    const socket = connect(listener.port, '127.0.0.1');
    const ask = () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    socket.on('data', ask).on('error', () => undefined);
    ask();
    await once(socket, 'data');
    const before = performance.now();
    await listener.close(5000);
    expect(performance.now() - before).toBeLessThan(1000);
  });

  it('cuts what is still running at the limit', async () => {
    const listener = await opened(() => undefined);
    const hanging = fetch(listener.url).catch(() => 'cut');
    await sleep(30);
    await listener.close(50);
    expect(await hanging).toBe('cut');
  });
});

describe('privateListener', () => {
  const logged: string[] = [];
  const opening = async (options: Partial<PrivateListenerOptions> = {}): Promise<string> => {
    const listener = await privateListener({
      port: 0,
      metrics: { text: async () => 'm 1\n', contentType: 'text/plain' },
      ready: () => ({ ready: true, checks: { store: true } }),
      log: { error: (_, message) => void logged.push(message) },
      ...options,
    });
    onTestFinished(() => listener.close(0));
    return listener.url;
  };

  it('answers metrics, readiness, health and given routes', async () => {
    const url = await opening({ routes: { 'GET /v1/revocations': (_, res) => void res.end('feed') } });
    expect(await text(`${url}/metrics`)).toBe('m 1\n');
    expect(JSON.parse(await text(`${url}/ready`))).toEqual({ status: 'ready', store: true });
    expect(JSON.parse(await text(`${url}/health`))).toEqual({ status: 'healthy' });
    expect(await text(`${url}/v1/revocations?cursor=1`)).toBe('feed');
    expect((await fetch(`${url}/health`, { method: 'HEAD' })).status).toBe(200);
  });

  it('is 503 with Retry-After while not ready', async () => {
    const url = await opening({ ready: async () => ({ ready: false, checks: { store: false } }) });
    const answer = await fetch(`${url}/ready`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ code: 'not_ready', store: false });
  });

  it('knows nothing else, and tells nothing of a fault', async () => {
    const fail = () => Promise.reject(new Error('hunter2'));
    const url = await opening({
      routes: { 'GET /fault': fail, 'GET /refused': () => Promise.reject(new Problem('permission_denied')) },
    });
    for (const [method, path] of [
      ['GET', '/'],
      ['POST', '/metrics'],
      ['GET', '/metrics/'],
      ['GET', '/constructor'],
    ]) {
      const answer = await fetch(`${url}${path}`, { method: method ?? '' });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    }
    const fault = await fetch(`${url}/fault`);
    expect([fault.status, await fault.text()]).toEqual([500, expect.not.stringContaining('hunter2')]);
    expect(logged).toContain('request failed');
    expect((await fetch(`${url}/refused`)).status).toBe(403);
  });
});

describe('a connection that looks idle when the stop begins', () => {
  it('may have a request on its way: it is answered, and the answer ends the connection', async () => {
    const listener = await listen({ handler: (_, res) => res.end('answered'), port: 0 });
    const socket = connect(listener.port, '127.0.0.1');
    let answers = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answers += text;
    });
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'data');
    const closed = listener.close();
    setTimeout(() => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), 50);
    await once(socket, 'close');
    await closed;
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(answers.match(/connection: close/gi)).toHaveLength(1);
  });

  it('is closed after a moment where nothing comes', async () => {
    const listener = await listen({ handler: (_, res) => res.end(), port: 0 });
    const socket = connect(listener.port, '127.0.0.1');
    socket.resume().write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'data');
    await Promise.all([listener.close(), once(socket, 'close')]);
    expect(socket.destroyed).toBe(true);
  });
});

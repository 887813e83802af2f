import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

describe('a fault proxy', () => {
  let heard: string[];
  let server: Server;
  let proxy: FaultProxy;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    heard = [];
    server = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (chunk) => {
          heard.push(chunk.toString());
          socket.write(`re ${chunk.toString()}`);
        });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await startFaultProxy(`http://localhost:${(server.address() as AddressInfo).port}/`);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.stop();
    server.close();
  });

  const open = async (): Promise<Socket> => {
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const ask = async (socket: Socket, text: string): Promise<string> => {
    socket.write(text);
    return new Promise((resolve) => {
      socket.once('data', (chunk) => resolve(chunk.toString()));
      socket.once('close', () => resolve('closed'));
    });
  };

  it('passes on what it is given, as late as it is told, in order', async () => {
    const socket = await open();
    expect(await ask(socket, 'one')).toBe('re one');
    proxy.delay(60);
    const began = performance.now();
    const slow = ask(socket, 'two');
    await sleep(20);
    proxy.delay(0);
    socket.write('three');
    expect(await slow).toMatch(/^re two(three)?$/);
    expect(performance.now() - began).toBeGreaterThan(50);
    await expect.poll(() => heard.join('')).toBe('onetwothree');
  });

  it('lets a request through and loses its answer, or loses the request, and touches no other', async () => {
    const [first, second, third] = [await open(), await open(), await open()];
    const answerLost = proxy.loseAnswerTo('mark');
    expect(await ask(third, 'other')).toBe('re other');
    expect(await ask(first, 'a mark')).toBe('closed');
    await answerLost;
    const requestLost = proxy.loseRequestWith('mark');
    expect(await ask(second, 'b mark')).toBe('closed');
    await requestLost;
    expect(await ask(third, 'c mark')).toBe('re c mark');
    expect(heard).toEqual(['other', 'a mark', 'c mark']);
  });

  it('swallows without a word; what has lost something never speaks again, new connections do', async () => {
    const [lossy, idle] = [await open(), await open()];
    proxy.swallow();
    const lost = ask(lossy, 'one');
    const late = await open();
    expect(await Promise.race([lost, sleep(60).then(() => 'silence')])).toBe('silence');
    proxy.heal();
    expect(await Promise.race([ask(lossy, 'two'), sleep(60).then(() => 'silence')])).toBe('silence');
    expect(await ask(late, 'three')).toBe('re three');
    expect(await ask(idle, 'four')).toBe('re four');
    expect(heard).toEqual(['three', 'four']);
  });
});

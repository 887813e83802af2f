import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bodyOf, send, startGateway, startService, statusesOf } from '../testing/rig.ts';

/** Nobody listens there. */
const deadUrl = async (): Promise<string> => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
};

/** A gateway before one server that is dead and one that notes the bodies that it gets. */
const startBeforeDead = async () => {
  const bodies: string[] = [];
  const live = await startService(async (req, res) => {
    bodies.push(await bodyOf(req));
    res.end('ok');
  });
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'routes.json');
  const services = [{ id: 'pair', url: [await deadUrl(), live.url] }];
  const routes = [{ path: '/a', service: 'pair', access: 'public' }];
  writeFileSync(file, JSON.stringify({ version: 1, services, routes }));
  return { gateway: await startGateway({ GATEWAY_ROUTES_FILE: file }), bodies };
};

const times = 12;

describe('a request that got no connection goes to another server', () => {
  it.each(['GET', 'POST', 'PATCH', 'DELETE'])('%s', async (method) => {
    const { gateway, bodies } = await startBeforeDead();
    for (let n = 0; n < times; n += 1) expect((await send(gateway, '/a', { method })).status).toBe(200);
    expect(bodies).toHaveLength(times);
  });

  it('with its whole body, which is asked for once', async () => {
    const { gateway, bodies } = await startBeforeDead();
    for (let n = 0; n < times; n += 1) {
      const socket = connect(gateway.port, '127.0.0.1').setEncoding('latin1');
      onTestFinished(() => void socket.destroy());
      let text = '';
      socket.on('data', (part: string) => {
        if (part.startsWith('HTTP/1.1 100 ')) socket.write(`body ${n}`.padEnd(9));
        text += part;
      });
      socket.write('POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n');
      await expect.poll(() => statusesOf(text).at(-1)).toBe(200);
      expect(text.match(/HTTP\/1\.1 100 /g)).toHaveLength(1);
    }
    expect(bodies).toEqual(Array.from({ length: times }, (_, n) => `body ${n}`.padEnd(9)));
  });
});

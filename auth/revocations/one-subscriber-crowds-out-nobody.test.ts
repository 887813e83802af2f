import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@sallyport/kit/random';
import { createSealer } from '@sallyport/kit/seal';
import { openSqlite } from '@sallyport/storage/sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { startFeed } from './feed.ts';
import { feedToken } from './feed-token.ts';
import { createRevocationsHttp } from './http.ts';

const rootKeys = [{ kid: '1', key: systemRandom.bytes(32) }];

const startDoor = async (): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'));
  const sealer = createSealer({ keys: [{ kid: '1', key: systemRandom.bytes(32) }], random: systemRandom });
  const storage = await openSqlite({ file: join(folder, 'store.db'), sealer, revocationLifetimeMs: 60_000 });
  const elapsedMs = () => performance.now();
  const onError = (error: unknown): never => {
    throw error;
  };
  const { revocations } = storage;
  const feed = startFeed({ revocations, issuer: 'test', pollMs: 500, heartbeatMs: 60_000, elapsedMs, onError });
  const answer = createRevocationsHttp({ feed, rootKeys, onSubscribe: () => undefined, maxSubscriptions: 20 });
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.writeHead(503).end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.close().closeAllConnections();
    await feed.stop();
    await storage.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};

const subscribe = async (url: string, name: string): Promise<IncomingMessage> => {
  const headers = { authorization: `Bearer ${feedToken(name, rootKeys)}` };
  const [res] = (await once(get(url, { headers, agent: false }), 'response')) as [IncomingMessage];
  res.on('error', () => undefined).resume();
  return res;
};

it('a subscriber that opens subscriptions without end leaves room for the others, and gets its own back', async () => {
  const url = await startDoor();
  const greedy: IncomingMessage[] = [];
  while (greedy.length < 25) greedy.push(await subscribe(url, 'payment'));
  expect((await subscribe(url, 'gateway')).statusCode).toBe(200);
  const held = greedy.filter(({ statusCode }) => statusCode === 200);
  expect(held).toHaveLength(10);
  for (const res of held) res.destroy();
  await expect.poll(async () => (await subscribe(url, 'payment')).statusCode, { timeout: 5000 }).toBe(200);
});

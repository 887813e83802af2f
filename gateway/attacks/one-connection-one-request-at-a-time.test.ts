import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { start } from '../server.ts';
import { type Service, send, sendRaw, startGateway, statusesOf } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const get = (path: string) => `GET /api/v1/auth/${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
const handshake =
  'GET /api/v1/auth/chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** A service that takes its time, and remembers how many requests it had at once. */
const slowService = (): {
  readonly seen: { now: number; most: number; targets: (string | undefined)[] };
  listener: Service;
} => {
  const seen = { now: 0, most: 0, targets: [] as (string | undefined)[] };
  return {
    seen,
    listener: async (req, res) => {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      seen.targets.push(req.url);
      await pause(5);
      seen.now -= 1;
      res.end(`${req.url}`);
    },
  };
};

/** Sixty requests in one packet. */
const mostAtOnce = async (begin?: typeof start): Promise<number> => {
  const { seen, listener } = slowService();
  const gateway = await startGateway({}, listener, begin);
  const paths = Array.from({ length: 60 }, (_, at) => `a${at}`);
  const answer = await sendRaw(gateway, paths.map(get).join(''));
  expect(statusesOf(answer)).toEqual(paths.map(() => 200));
  const order = [...answer.matchAll(/\/auth\/(a\d+)/g)].map(([, path]) => path);
  expect(order).toEqual(paths);
  return seen.most;
};

describe('a client that waits for no answer', () => {
  it('has one request under way at a time, however many it sends at once', async () => {
    expect(await mostAtOnce()).toBe(1);
  });

  it('ends nothing but its own connection with a handshake behind a request, or behind several', async () => {
    const { seen, listener } = slowService();
    const gateway = await startGateway({}, listener);
    expect(statusesOf(await sendRaw(gateway, get('one') + handshake))).toEqual([200, 400]);
    expect(statusesOf(await sendRaw(gateway, get('two') + get('three') + handshake + get('four')))).toEqual([
      200, 200, 400,
    ]);
    expect(seen.targets).toEqual(['/auth/one', '/auth/two', '/auth/three']);
    expect((await send(gateway, '/health')).status).toBe(200);
  });

  it('and goes away has nothing sent on but what was under way', async () => {
    const { seen, listener } = slowService();
    const gateway = await startGateway({}, listener);
    await sendRaw(gateway, get('one') + get('two') + get('three'), 2);
    await pause(100);
    expect(seen.targets.length).toBeLessThanOrEqual(1);
  });
});

describe('is known to be able to fail', () => {
  it('where requests do not wait for their turn, one packet fills the line of a service', async () => {
    const sabotage = { file: 'app.ts', find: 'if (res.socket === null)', replace: 'if (res.socket === undefined)' };
    await withSabotage(sabotage, async (begin) => {
      expect(await mostAtOnce(begin)).toBeGreaterThan(10);
    });
  });
});

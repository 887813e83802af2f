import { manualClock } from '@sallyport/kit/clock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRangeClient } from './range-client.ts';
import { type RangeServer, sha1Of, startRangeServer } from './testing/range-server.ts';

const breached = { 'Winter is coming 2019': 4711, padded: 0 };
let server: RangeServer;
beforeAll(async () => {
  server = await startRangeServer(breached);
});
afterAll(() => server.close());
beforeEach(() => {
  server.behave(undefined);
  server.asked.length = 0;
});

const clock = manualClock(1_700_000_000_000);
const client = (timeoutMs = 1000) => createRangeClient({ url: server.url, clock, timeoutMs });

describe('the range client', () => {
  it('finds what is in the list, and takes padding for nothing', async () => {
    const { count } = client();
    expect(await count(sha1Of('Winter is coming 2019'))).toBe(4711);
    expect(await count(sha1Of('padded'))).toBe(0);
    expect(await count(sha1Of('never seen anywhere'))).toBe(0);
  });

  it('sends five digits of the hash and asks for padding', async () => {
    const hash = sha1Of('Winter is coming 2019');
    await client().count(hash);
    expect(server.asked.map(({ prefix }) => prefix)).toEqual([hash.slice(0, 5)]);
    expect(server.asked[0]?.headers).toMatchObject({ 'add-padding': 'true', 'user-agent': 'sallyport' });
    expect(JSON.stringify(server.asked)).not.toContain(hash.slice(5));
  });

  it('remembers an answer for an hour, and never more than 64 of them', async () => {
    const { count } = client();
    const hash = sha1Of('Winter is coming 2019');
    await count(hash);
    await count(hash);
    expect(server.asked).toHaveLength(1);
    clock.advance(3_600_000);
    await count(hash);
    expect(server.asked).toHaveLength(2);
    for (let index = 0; index < 70; index += 1) await count(`${index.toString(16).padStart(5, '0')}${hash.slice(5)}`);
    await count(hash);
    expect(server.asked).toHaveLength(73);
  });

  const endless = 'A'.repeat(65_536);
  it.each<[string, RegExp, Parameters<RangeServer['behave']>[0]]>([
    ['fails', /answered 500/, (_, response) => response.writeHead(500).end()],
    ['knows no such range', /answered 404/, (_, response) => response.writeHead(404).end()],
    ['redirects', /fetch failed/, (_, response) => response.writeHead(302, { location: server.url }).end()],
    ['hangs up', /fetch failed/, (request) => request.destroy()],
    ['never answers', /timeout/i, () => undefined],
    ['stops in the middle', /timeout/i, (_, response) => void response.write('0'.repeat(35))],
    [
      'never ends',
      /more than 262144 bytes/,
      (_, response) => void setInterval(() => response.write(endless), 1).unref(),
    ],
    ['answers nothing', /something else/, (_, response) => response.end()],
    ['answers with a page', /something else/, (_, response) => response.end('<html>log in to this network</html>')],
  ])('takes a server that %s for no answer', async (_, message, behaviour) => {
    server.behave(behaviour);
    const { count, close } = client(400);
    await expect(count(sha1Of('Winter is coming 2019'))).rejects.toThrow(message);
    // Nothing of it is remembered.
    server.behave(undefined);
    expect(await count(sha1Of('Winter is coming 2019'))).toBe(4711);
    await close();
  });

  it('has a bounded number of lookups under way', async () => {
    server.behave(() => undefined);
    const { count, close } = client(60_000);
    const lookups = Array.from({ length: 40 }, (_, index) => count(sha1Of(`password ${index}`)));
    const refused = await Promise.allSettled(lookups.slice(32));
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect(server.asked.length).toBeLessThanOrEqual(32);
    await Promise.all([close(), Promise.allSettled(lookups)]);
  });
});

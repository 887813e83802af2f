import { createServer } from 'node:net';
import { createClient } from '@redis/client';
import { defaultRealm } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoreUnavailable } from '../contracts/store.ts';
import { openRedisRates, type RedisOptions, type RedisRates } from './index.ts';
import { anyRedis, isRedisMissing, type RedisServer, type RedisUrl, startRedis } from './testing/start-redis.ts';

const open = async (url: string, options: Partial<RedisOptions> = {}): Promise<RedisRates> => {
  const rates = await openRedisRates({ url, random: systemRandom, ...options });
  onTestFinished(() => rates.close());
  return rates;
};

const own = async (settings: readonly string[] = []): Promise<RedisServer> => {
  const server = await startRedis(settings);
  onTestFinished(() => server.stop());
  return server;
};

const reasonOf = (opening: Promise<unknown>): Promise<string> =>
  opening.then(
    () => 'opened',
    (error: unknown) => (error instanceof Error ? error.message : 'no error'),
  );

const newSubject = (): string => systemRandom.bytes(12).toString('base64url');
const slow = { realmId: defaultRealm, intervalUs: 60_000_000 };

describe.skipIf(isRedisMissing())('rates in Redis', () => {
  let redis: RedisUrl;
  beforeAll(async () => {
    redis = await anyRedis();
  });
  afterAll(() => redis.stop());

  it('lets exactly the limit through, whatever the number of callers and nodes', async () => {
    const [a, b] = await Promise.all([open(redis.url), open(redis.url)]);
    const counter = { ...slow, subject: newSubject(), burst: 10 };
    const verdicts = await Promise.all(Array.from({ length: 200 }, (_, at) => (at % 2 ? a : b).takeRate(counter)));
    expect(verdicts.filter((verdict) => verdict.waitMs === 0)).toHaveLength(10);
    const refused = verdicts.find((verdict) => verdict.waitMs !== 0);
    expect(refused?.waitMs).toBeGreaterThan(59_000);
    expect(refused?.waitMs).toBeLessThanOrEqual(60_000);
  });

  it('lets one through for each interval that has gone by', async () => {
    const rates = await open(redis.url);
    const counter = { ...slow, intervalUs: 50_000, subject: newSubject(), burst: 1 };
    expect((await rates.takeRate(counter)).waitMs).toBe(0);
    const { waitMs } = await rates.takeRate(counter);
    expect(waitMs).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, waitMs + 2));
    expect((await rates.takeRate(counter)).waitMs).toBe(0);
  });

  it('adds up what nodes have spent by themselves, to a bound', async () => {
    const [a, b] = await Promise.all([open(redis.url), open(redis.url)]);
    const spending = { ...slow, intervalUs: 1_000_000, maxAheadMs: 100_000 };
    const [one, other] = [newSubject(), newSubject()];
    await a?.spendRates([{ ...spending, subject: one, count: 7 }]);
    const told = await b?.spendRates([
      { ...spending, subject: one, count: 5 },
      { ...spending, subject: other, count: 1000 },
    ]);
    expect(told?.[0]).toBeGreaterThan(11_000);
    expect(told?.[0]).toBeLessThanOrEqual(12_000);
    expect(told?.[1]).toBe(100_000);
  });

  it('keeps realms apart, and no key for longer than it owes', async () => {
    const rates = await open(redis.url);
    const subject = newSubject();
    await rates.spendRates([{ ...slow, subject, count: 2, maxAheadMs: 1_000_000 }]);
    const client = await createClient({ url: redis.url }).connect();
    onTestFinished(() => client.destroy());
    const expiresInMs = await client.pTTL(`sp1:main:rate:{${subject}}`);
    expect(expiresInMs).toBeGreaterThan(119_000);
    expect(expiresInMs).toBeLessThanOrEqual(120_001);
  });

  it('rejects at once while Redis is away, and comes back by itself', async () => {
    const server = await own();
    const states: boolean[] = [];
    const rates = await open(server.url, { onChange: ({ up }) => void states.push(up) });
    await server.kill();
    await vi.waitUntil(() => !rates.up);
    const began = performance.now();
    await expect(rates.takeRate({ ...slow, subject: 'a', burst: 1 })).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - began).toBeLessThan(50);
    await server.restart();
    await vi.waitUntil(() => rates.up, 5000);
    expect((await rates.takeRate({ ...slow, subject: 'a', burst: 1 })).waitMs).toBe(0);
    expect(states).toEqual([false, true]);
  });

  it('gives up a Redis that is connected and says nothing', async () => {
    const server = await own();
    const rates = await open(server.url, { answerLimitMs: 100 });
    server.freeze();
    const began = performance.now();
    await expect(rates.takeRate({ ...slow, subject: 'a', burst: 1 })).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - began).toBeLessThan(400);
    expect(rates.up).toBe(false);
    server.thaw();
    await vi.waitUntil(() => rates.up, 5000);
  });

  it('refuses to start where keys may be evicted, and where nothing answers', async () => {
    const evicting = await own(['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '10mb']);
    expect(await reasonOf(open(evicting.url))).toContain('maxmemory-policy allkeys-lru: it must be noeviction');
    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await reasonOf(open(`redis://127.0.0.1:${port}`))).toMatch(/no answer within/);
  });

  it('gives the password, and tells it to nobody', async () => {
    const server = await own(['--requirepass', 'a-password-of-tests']);
    const url = new URL(server.url);
    expect(await reasonOf(open(url.href))).toMatch(/NOAUTH/);
    url.password = 'another-password';
    expect(await reasonOf(open(url.href))).not.toContain('another-password');
    url.password = 'a-password-of-tests';
    expect((await open(url.href)).up).toBe(true);
  });
});

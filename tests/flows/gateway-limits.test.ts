/** gateway.md, "Limits": gateways count together through Redis, and serve without it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  anyRedis,
  isAnyRedisMissing,
  isRedisMissing,
  type RedisServer,
  type RedisUrl,
  startRedis,
} from '@sallyport/storage/redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ChildServer, type FailedStart, type Settings, startRefused } from '../testing/child-server.ts';
import { type Answer, httpClient } from '../testing/http-client.ts';
import { readMetric } from '../testing/metrics.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { mintToken, routeFile } from '../testing/route-file.ts';

const burst = 10;
const limits = { FLOOD_LIMIT_PER_MINUTE: '6', FLOOD_LIMIT_BURST: String(burst), TRUSTED_PROXIES: '127.0.0.1' };

let installation: Installation;
let upstream: RecordingUpstream;
beforeAll(async () => {
  installation = newInstallation();
  upstream = await startRecordingUpstream();
});
afterAll(() => upstream.close());

const gatewayWith = (settings: Settings): Promise<ChildServer> =>
  startGateway(installation, { ...limits, USER_SERVICE_URL: upstream.url, ...settings });

/** Two gateways of one installation. */
const pairWith = async (settings: Settings): Promise<readonly [ChildServer, ChildServer]> => {
  const [a, b] = await Promise.all([gatewayWith(settings), gatewayWith(settings)]);
  return [a, b];
};

const stopAll = (servers: readonly ChildServer[]): Promise<unknown> =>
  Promise.all(servers.map((server) => server.stop()));

const knock = (gateway: ChildServer, address: string): Promise<Answer> =>
  httpClient(gateway.url)('GET', '/health', { headers: { 'x-forwarded-for': address } });

/** How many of so many requests at once are let through. */
const passed = async (gateways: readonly ChildServer[], times: number, addressOf: (at: number) => string) => {
  const answers = await Promise.all(
    Array.from({ length: times }, (_, at) => gateways[at % gateways.length]).map((gateway, at) =>
      gateway === undefined ? Promise.reject(new Error('no gateway')) : knock(gateway, addressOf(at)),
    ),
  );
  expect(answers.every(({ status }) => status === 200 || status === 429)).toBe(true);
  return answers.filter(({ status }) => status === 200).length;
};

const limitMetric = (gateway: ChildServer, name: string): Promise<number> =>
  readMetric(gateway.privateUrl, `sallyport_gateway_limits_${name}`);

/** Waits until everything that was let through so far has been told and taken over. */
const agreed = async (gateway: ChildServer, told: number): Promise<void> => {
  await vi.waitUntil(async () => (await limitMetric(gateway, 'requests_told')) >= told, {
    timeout: 3000,
    interval: 20,
  });
};

const redisKeys = async (url: string): Promise<string> => {
  const socket = connect(Number(new URL(url).port || 6379), new URL(url).hostname);
  socket.end('KEYS sp1:*\r\nQUIT\r\n');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
};

describe.skipIf(isAnyRedisMissing())('two gateways that agree', () => {
  let redis: RedisUrl;
  let pair: readonly [ChildServer, ChildServer];
  beforeAll(async () => {
    redis = await anyRedis();
    pair = await pairWith({ REDIS_URL: redis.url });
  });
  afterAll(async () => {
    await stopAll(pair);
    await redis.stop();
  });

  it('let an address that fires at both have the limit and at most one burst more, and then nothing', async () => {
    const through = await passed(pair, 80, () => '192.0.2.1');
    expect(through).toBeGreaterThanOrEqual(burst);
    expect(through).toBeLessThanOrEqual(2 * burst);
    const told = async () =>
      (await limitMetric(pair[0], 'requests_told')) + (await limitMetric(pair[1], 'requests_told'));
    await vi.waitUntil(async () => (await told()) === through, 3000);
    expect(await passed(pair, 20, () => '192.0.2.1')).toBe(0);
    // What was let through beyond the limit is paid back, 10 s for each; whoever told last knows of all.
    const longestWait = async (): Promise<number> => {
      const refused = await Promise.all(pair.map((gateway) => knock(gateway, '192.0.2.1')));
      return Math.max(...refused.map(({ headers }) => Number(headers['retry-after'])));
    };
    await vi.waitUntil(async () => (await longestWait()) > (through - burst) * 10, 3000);
  });

  it.each([
    ['an address', () => '192.0.2.2', '192.0.2.2'],
    ['a network of 64 bits', (at: number) => `2001:db8:0:7::${at + 1}`, '2001:db8:0:7:ffff::9'],
    ['an IPv4 address written as IPv6', () => '::ffff:192.0.2.3', '192.0.2.3'],
  ])('know of %s what the other has let through', async (_what, spread, same) => {
    const [a, b] = pair;
    const toldBefore = await Promise.all([limitMetric(a, 'requests_told'), limitMetric(b, 'requests_told')]);
    expect(await passed([a], 2 * burst, spread)).toBe(burst);
    await agreed(a, toldBefore[0] + burst);
    // The first is how b hears of the address; by itself it would let ten through.
    expect((await knock(b, same)).status).toBe(200);
    await agreed(b, toldBefore[1] + 1);
    const refused = await knock(b, same);
    expect(refused.status).toBe(429);
    const retryAfter = Number(refused.headers['retry-after']);
    expect(retryAfter).toBeGreaterThan(0);
    expect(refused.headers['ratelimit-policy']).toBe('"flood";q=6;w=60');
    expect(refused.headers['ratelimit']).toBe(`"flood";r=0;t=${retryAfter}`);
  });

  it('tell Redis no address, and nothing for ever', async () => {
    const keys = await redisKeys(redis.url);
    expect(keys).toMatch(/sp1:main:rate:\{[\w-]{22}\}/);
    expect(keys).not.toMatch(/192\.0\.2|2001/);
  });
});

describe.skipIf(isAnyRedisMissing())('two gateways that are exact', () => {
  let redis: RedisUrl;
  let pair: readonly [ChildServer, ChildServer];
  beforeAll(async () => {
    redis = await anyRedis();
    const route = {
      path: '/api/v1/users/*',
      service: 'user-service',
      access: 'required',
      limits: { user: { perMinute: 6, burst: 5 } },
    };
    const { path } = routeFile(installation, { version: 1, routes: [route] });
    pair = await pairWith({ REDIS_URL: redis.url, LIMITS_MODE: 'exact', GATEWAY_ROUTES_FILE: path });
  });
  afterAll(async () => {
    await stopAll(pair);
    await redis.stop();
  });

  it('let exactly the limit through, of one address and of one /64', async () => {
    expect(await passed(pair, 100, () => '192.0.2.1')).toBe(burst);
    expect(await passed(pair, 100, (at) => `2001:db8:0:9::${at + 1}`)).toBe(burst);
    const refused = await knock(pair[1], '192.0.2.1');
    const retryAfter = Number(refused.headers['retry-after']);
    expect([retryAfter > 0 && retryAfter <= 10, refused.headers['ratelimit']]).toEqual([
      true,
      `"flood";r=0;t=${retryAfter}`,
    ]);
  });

  it('let exactly the limit of a user through', async () => {
    const bearer = mintToken(installation);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => {
        const headers = { 'x-forwarded-for': `198.51.100.${at}` };
        return httpClient(pair[at % 2]?.url ?? '')('GET', '/api/v1/users/me', { bearer, headers });
      }),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.find(({ status }) => status === 429)?.headers['ratelimit-policy']).toBe('"user";q=6;w=60');
  });
});

describe.skipIf(isRedisMissing())('without Redis', () => {
  const start = async (settings: Settings): Promise<[RedisServer, readonly [ChildServer, ChildServer]]> => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const pair = await pairWith({ REDIS_URL: redis.url, ...settings });
    onTestFinished(async () => void (await stopAll(pair)));
    return [redis, pair];
  };

  it('agreeing gateways serve and limit each by itself, say so, and agree again when it is back', async () => {
    const [redis, pair] = await start({});
    const [a, b] = pair;
    await redis.kill();
    await vi.waitUntil(async () => (await limitMetric(a, 'redis_up')) === 0, 3000);
    expect(await passed([a], 2 * burst, () => '192.0.2.1')).toBe(burst);
    expect(await passed([b], 2 * burst, () => '192.0.2.1')).toBe(burst);
    await a.waitForLine(({ msg }) => String(msg).startsWith('Redis does not answer'));
    await redis.restart();
    await a.waitForLine(({ msg }) => String(msg).startsWith('Redis answers again'));
    await vi.waitUntil(async () => (await limitMetric(b, 'redis_up')) === 1, 6000);
    const told = { a: await limitMetric(a, 'requests_told'), b: await limitMetric(b, 'requests_told') };
    expect(await passed([a], burst, () => '192.0.2.2')).toBe(burst);
    await agreed(a, told.a + burst);
    expect((await knock(b, '192.0.2.2')).status).toBe(200);
    await agreed(b, told.b + 1);
    expect((await knock(b, '192.0.2.2')).status).toBe(429);
    // One line when it went, one when it came back.
    expect(a.logLines().filter(({ msg }) => String(msg).startsWith('Redis'))).toHaveLength(2);
  });

  it('exact gateways serve and limit each by itself while it hangs, and are exact again afterwards', async () => {
    const [redis, pair] = await start({ LIMITS_MODE: 'exact' });
    redis.freeze();
    const began = performance.now();
    const through = await passed(pair, 60, () => '192.0.2.1');
    expect(performance.now() - began).toBeLessThan(1000);
    expect(through).toBe(2 * burst);
    expect(await limitMetric(pair[0], 'decided_locally')).toBeGreaterThan(0);
    redis.thaw();
    await vi.waitUntil(
      async () => (await Promise.all(pair.map((each) => limitMetric(each, 'redis_up')))).every((up) => up === 1),
      6000,
    );
    expect(await passed(pair, 60, () => '192.0.2.2')).toBe(burst);
  });

  it('agreeing gateways do not wait for one that hangs', async () => {
    const [redis, [a]] = await start({});
    redis.freeze();
    const began = performance.now();
    expect(await passed([a], 2 * burst, () => '192.0.2.1')).toBe(burst);
    expect(performance.now() - began).toBeLessThan(400);
    redis.thaw();
  });
});

/** A certificate that nobody else trusts, and its key. */
const selfSigned = (): { readonly certificate: string; readonly key: string } => {
  const { path } = installation.folder;
  const [certificate, key] = [join(path, 'redis.crt'), join(path, 'redis.key')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'];
  const { status } = spawnSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', certificate]);
  if (status !== 0) throw new Error('openssl made no certificate');
  return { certificate, key };
};

describe.skipIf(isRedisMissing())('a start is refused', () => {
  const refused = (settings: Settings): Promise<FailedStart> => {
    const { folder, gatewaySettings } = installation;
    const env = { ...gatewaySettings, REVOCATION_FEED: 'off', ...settings };
    return startRefused(import.meta.resolve('@sallyport/gateway/main'), env, folder.path);
  };

  it('where Redis is not there, without its password in the reason', async () => {
    const { exitCode, stderr, output } = await refused({ REDIS_URL: 'redis://:a-secret-of-tests@127.0.0.1:1' });
    expect([exitCode, stderr]).toEqual([78, expect.stringMatching(/^REDIS_URL cannot be used: Redis .*ECONNREFUSED/)]);
    expect(output).not.toContain('a-secret-of-tests');
  });

  it('where the certificate of Redis is not trusted; where it is, limits are shared over TLS', async () => {
    const { certificate, key } = selfSigned();
    const tls = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    const redis = await startRedis([...tls, '--tls-auth-clients', 'no']);
    onTestFinished(() => redis.stop());
    const { exitCode, stderr } = await refused({ REDIS_URL: redis.url });
    expect([exitCode, stderr]).toEqual([78, expect.stringMatching(/^REDIS_URL cannot be used: Redis .*certificate/)]);
    const trusting = await gatewayWith({ REDIS_URL: redis.url, NODE_EXTRA_CA_CERTS: certificate });
    onTestFinished(() => trusting.stop());
    expect(await limitMetric(trusting, 'redis_up')).toBe(1);
    expect(await passed([trusting], 2 * burst, () => '192.0.2.1')).toBe(burst);
    await agreed(trusting, burst);
  });

  it('where Redis may throw counters away', async () => {
    const redis = await startRedis(['--maxmemory', '10mb', '--maxmemory-policy', 'volatile-lru']);
    onTestFinished(() => redis.stop());
    const { exitCode, stderr } = await refused({ REDIS_ADDR: new URL(redis.url).host });
    expect([exitCode, stderr]).toEqual([
      78,
      'REDIS_ADDR cannot be used: Redis has maxmemory-policy volatile-lru: it must be noeviction\n',
    ]);
  });

  it('where a mode needs a Redis that is not set, or two are', async () => {
    const none = await refused({ LIMITS_MODE: 'exact' });
    expect([none.exitCode, none.stderr]).toEqual([78, 'REDIS_URL is required where LIMITS_MODE is exact\n']);
    const two = await refused({ REDIS_URL: 'redis://localhost', REDIS_ADDR: 'localhost:6379' });
    expect([two.exitCode, two.stderr]).toEqual([78, 'REDIS_ADDR is set beside REDIS_URL: remove one\n']);
  });
});

/** Sessions, nonces and attempts in Redis, everything else in SQLite: two issuers on both. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isRedisMissing, type RedisServer, startRedis } from '@sallyport/storage/redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rowCounts } from '../testing/database.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, refusedIssuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { newPerson, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let redis: RedisServer;
let [a, b]: Issuer[] = [];
let [atA, atB]: Call[] = [];

describe.skipIf(isRedisMissing())('two issuers with Redis', () => {
  beforeAll(async () => {
    redis = await startRedis();
    const settings = { REDIS_URL: redis.url, REFRESH_ROTATION: 'on' };
    a = await startIssuer(settings);
    b = await startIssuer(settings, a.folder);
    [atA, atB] = [a, b].map(({ url }) => httpClient(url));
  });
  afterAll(async () => {
    await b?.stop();
    await a?.remove();
    await redis.stop();
  });

  const issuers = () => {
    if (a === undefined || b === undefined || atA === undefined || atB === undefined) throw new Error('not started');
    return { a, b, atA, atB };
  };
  const refresh = (call: Call, token: string): Promise<Answer> =>
    call('POST', '/auth/refresh', { body: { refresh_token: token } });
  const logout = (call: Call, token: string): Promise<Answer> =>
    call('POST', '/auth/logout', { body: { refresh_token: token } });

  it('serve one session: login at one, refreshes at both, one lineage, logout at the other', async () => {
    const servers = issuers();
    const { refresh: token, access, userId } = await signUp(servers.atA);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => refresh(at % 2 ? servers.atA : servers.atB, token)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const successors = new Set(answers.map(({ body }) => String(body['refresh_token'])));
    expect(successors.size).toBe(1);
    const [current = ''] = successors;
    expect((await servers.atB('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    expect((await logout(servers.atB, current)).status).toBe(200);
    expectProblem(await refresh(servers.atA, current), 'session_revoked');
    expectProblem(await servers.atA('GET', '/auth/verify', { bearer: access }), 'token_revoked');
    const { database } = servers.a.folder;
    expect((await rowCounts(database)).sessions).toBe(0);

    const trail = async () =>
      (
        await database.query(
          `SELECT event_type AS type FROM audit WHERE user_id = '${userId}' ORDER BY at_ms, effect_id`,
        )
      ).map(({ type }) => type);
    await vi.waitUntil(async () => (await trail()).length === 4, 3000);
    expect(await trail()).toEqual(['register', 'login', 'refresh', 'logout']);
    // The drain writes records first, events after them.
    const events = async () =>
      (await database.query(`SELECT type FROM outbox WHERE key = '${userId}' ORDER BY position`)).map(
        ({ type }) => type,
      );
    await expect.poll(events, { timeout: 3000 }).toEqual(['USER_CREATED', 'SESSION_STARTED', 'SESSION_ENDED']);
  });

  it('answer 503 and nothing else while Redis hangs, and go on with every session afterwards', async () => {
    const { atA: call, b: other } = issuers();
    const { refresh: token, access } = await signUp(call);
    redis.freeze();
    const began = performance.now();
    const refused = await refresh(call, token);
    expect(performance.now() - began).toBeLessThan(2000);
    expectProblem(refused, 'store_unavailable');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expectProblem(await call('GET', '/auth/verify', { bearer: access }), 'store_unavailable');
    expect((await call('GET', '/.well-known/jwks.json', {})).status).toBe(200);
    expect((await call('GET', '/ready', {})).status).toBe(503);
    redis.thaw();
    const ready = async () => (await httpClient(other.url)('GET', '/ready', {})).status === 200;
    await vi.waitUntil(async () => (await ready()) && (await call('GET', '/ready', {})).status === 200, 5000);
    expect((await refresh(call, token)).status).toBe(200);
  });

  it('say that sessions are lost where Redis was emptied, in answer, log and metrics, and serve new ones', async () => {
    const servers = issuers();
    const person = newPerson();
    const { refresh: token } = await signUp(servers.atA, person);
    await redis.flush();
    expectProblem(await refresh(servers.atB, token), 'session_lost');
    const isTold = ({ event }: Readonly<Record<string, unknown>>) => event === 'redis_emptied';
    const told = () => [servers.a, servers.b].flatMap((issuer) => issuer.logLines().filter(isTold));
    await vi.waitUntil(() => told().length > 0, 3000);
    await sleep(600);
    expect(told()).toHaveLength(1);
    const counted = await Promise.all(
      [servers.a, servers.b].map(({ privateUrl }) => readMetric(privateUrl, 'sallyport_auth_redis_emptied')),
    );
    expect(counted.toSorted((one, other) => one - other)).toEqual([0, 1]);
    const { email, password } = person;
    expect((await servers.atB('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
  });

  it('are not left behind in Redis: an issuer without it would make used tokens good again, and is refused', async () => {
    const { REDIS_URL: _usual, ...settings } = issuers().a.folder.settings;
    const refused = await refusedIssuer({ ...settings, AUTH_PORT: '0', AUTH_PRIVATE_PORT: '0' });
    expect([refused.exitCode, refused.stderr]).toEqual([
      78,
      expect.stringContaining('REDIS_URL is missing: the sessions of this store stand in a Redis.'),
    ]);
  });

  it('are refused where Redis may evict, and warned where it may forget', async () => {
    const evicting = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
    onTestFinished(() => evicting.stop());
    const { settings } = issuers().a.folder;
    const { SALLYPORT_DATA_DIR: _own, REDIS_URL: _usual, ...secrets } = settings;
    const refused = await refusedIssuer({ ...secrets, REDIS_ADDR: new URL(evicting.url).host });
    expect([refused.exitCode, refused.stderr]).toEqual([
      78,
      'REDIS_ADDR cannot be used: Redis has maxmemory-policy allkeys-lru: it must be noeviction\n',
    ]);
    await issuers().a.waitForLine(({ msg }) => String(msg).startsWith('Redis has appendonly off'));
  });
});

/** Sessions that move from SQL to Redis stay what they were: live, rotated, or ended. */
import { join } from 'node:path';
import { copyStore } from '@sallyport/auth/maintenance';
import { isRedisMissing, type RedisServer, startRedis } from '@sallyport/storage/redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOnPostgres } from '../testing/database.ts';
import { httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, register } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const refresh = ({ url }: Issuer, token: string) =>
  httpClient(url)('POST', '/auth/refresh', { body: { refresh_token: token } });

describe.skipIf(isOnPostgres || isRedisMissing())('sessions that are moved to Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('refresh, verify and end as before; cut off in between, no issuer starts', async () => {
    const settings = { REFRESH_ROTATION: 'on', REFRESH_OVERLAP_SECONDS: '0' };
    const folder = issuerFolder();
    const issuer = await startIssuer(settings, folder);
    const call = httpClient(issuer.url);
    const person = newPerson();
    await register(call, person);
    const [stays, gone, other] = [await login(call, person), await login(call, person), await login(call, person)];
    await call('POST', '/auth/logout', { body: { refresh_token: gone.refresh } });
    const rotated = String((await refresh(issuer, stays.refresh)).body['refresh_token']);
    await issuer.stop();

    const from = `sqlite:${join(folder.path, 'sallyport.db')}`;
    const move = (to: string | undefined, onProgress: () => void = () => undefined) =>
      copyStore({ from, ...(to && { to }), sessionsTo: redis.url, env: folder.settings, onProgress });
    const cutOff = () => {
      throw new Error('cut off');
    };
    await expect(move(undefined, cutOff)).rejects.toThrow('cut off');
    await expect(startIssuer({ ...settings, REDIS_URL: redis.url }, folder)).rejects.toThrow('not come to its end');

    const to = join(folder.path, 'moved.db');
    expect((await move(`sqlite:${to}`)).tables).toMatchObject({ users: 1, sessions: 3 });
    const moved = await startIssuer({ ...settings, REDIS_URL: redis.url, DATABASE_URL: `sqlite:${to}` }, folder);
    try {
      const there = httpClient(moved.url);
      expect((await there('GET', '/auth/verify', { bearer: stays.access })).status).toBe(200);
      expectProblem(await refresh(moved, gone.refresh), 'session_revoked');
      expect((await refresh(moved, rotated)).status).toBe(200);
      expectProblem(await refresh(moved, stays.refresh), 'refresh_reused');
      const listed = await there('POST', '/auth/logout', { body: { refresh_token: other.refresh } });
      expect(listed.status).toBe(200);
      expectProblem(await refresh(moved, other.refresh), 'session_revoked');
      await expect(move(undefined)).rejects.toThrow('has worked on it already');
    } finally {
      await moved.remove();
    }
  });
});

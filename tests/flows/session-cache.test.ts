/** contracts/device-chat.md: a session is cached in Redis where there is one, the device key only sealed; a cache that is away fails no login. */
import { execFileSync } from 'node:child_process';
import { isRedisMissing, startRedis } from '@sallyport/storage/redis/testing';
import { expect, it } from 'vitest';
import { deviceFolder } from '../testing/device-chat.ts';
import { loginOnDevice, registerDevice, usernameOf } from '../testing/devices.ts';
import { httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';

it.skipIf(isRedisMissing())(
  'a login is noted beside the store, sealed, and goes on without the cache',
  async () => {
    const redis = await startRedis();
    const ask = (...command: readonly string[]): string =>
      execFileSync('redis-cli', ['-u', redis.url, ...command], { encoding: 'utf8' }).trim();
    const noted = () => ask('KEYS', '*').split('\n').filter(Boolean);
    const issuer = await startIssuer({ REDIS_URL: redis.url, SESSION_EXPIRATION: '2h' }, deviceFolder());
    const call = httpClient(issuer.url);
    const person = newPerson();
    const { password } = person;
    const device = await registerDevice(call, { username: usernameOf(person), password });
    const login = () => loginOnDevice(call, device, password);
    // It is looked for in the background.
    await expect.poll(async () => [(await login()).status, noted().length], { timeout: 20_000 }).toEqual([200, 1]);

    const { body } = await login();
    const { sid } = JSON.parse(Buffer.from(String(body['access_token']).split('.')[1] ?? '', 'base64url').toString());
    const key = `sp1:main:session-cache:{${sid}}`;
    const { user_id } = body['user'] as { readonly user_id: string };
    const entry = ask('GET', key);
    expect(JSON.parse(entry)).toEqual({ user_id, device_id: device.id, device_key: expect.stringMatching(/^v1\.1\./) });
    for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const)
      expect(entry).not.toContain(device.key.toString(form));
    const ttl = Number(ask('TTL', key));
    expect([ttl > 3600, ttl <= 7200]).toEqual([true, true]);
    await call('POST', '/api/auth/logout', { body: { refresh_token: body['refresh_token'] } });
    expect(noted()).not.toContain(key);

    await redis.kill();
    const without = await login();
    expect(without.status).toBe(200);
    await issuer.waitForLine(({ msg }) => msg === 'a session was not cached');
    const refreshed = { body: { refresh_token: without.body['refresh_token'] } };
    expect((await call('POST', '/api/auth/refresh', refreshed)).status).toBe(200);
    await issuer.remove();
    await redis.stop();
  },
  60_000,
);

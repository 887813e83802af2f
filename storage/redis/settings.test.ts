import { expect, it } from 'vitest';
import { redisPlace, redisProblems } from './settings.ts';

it('a Redis is named once: by its URL, or by its address with a password', () => {
  expect(redisPlace({})).toBeUndefined();
  expect(redisPlace({ redisUrl: 'rediss://r' })).toEqual({ url: 'rediss://r', setting: 'REDIS_URL' });
  const place = redisPlace({ redisAddr: 'r:6379', redisPassword: 'a/b@c' });
  expect([place?.setting, decodeURIComponent(new URL(place?.url ?? '').password)]).toEqual(['REDIS_ADDR', 'a/b@c']);
  const problems = (address: Parameters<typeof redisProblems>[0]) =>
    redisProblems(address).map(({ setting }) => setting);
  expect(problems({ redisUrl: 'redis://r', redisAddr: 'r:1' })).toEqual(['REDIS_ADDR']);
  expect(problems({ redisUrl: 'redis://r', redisPassword: 'x' })).toEqual(['REDIS_PASSWORD']);
  expect(problems({ redisAddr: 'r:1', redisPassword: 'x' })).toEqual([]);
});

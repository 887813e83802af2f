import { describe, expect, it } from 'vitest';
import { createUserLimits } from '../routes/user-limits.ts';
import type { UserLimitRule } from '../routes.ts';
import { exchangeOf, outcomeOf, routeTo, verified } from '../testing/exchange.ts';
import { userLimit } from './user-limit.ts';

const userB = '0192f0c1-2b3c-7d4e-8f50-00000000000b';
const limits = () => {
  let nowMs = 0;
  const userLimits = createUserLimits();
  const step = userLimit({ elapsedMs: () => nowMs });
  const ask = (rule: UserLimitRule | undefined, path = '/a', sub?: string, isAnonymous = false) => {
    const exchange = exchangeOf('GET', path);
    exchange.route = routeTo('a', { userLimit: rule && userLimits.of(rule, path) });
    exchange.token = isAnonymous ? undefined : verified(sub === undefined ? {} : { sub, user_id: sub });
    return step.run(exchange);
  };
  return {
    ask,
    run: (...args: Parameters<typeof ask>) => outcomeOf(ask(...args)),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
};
const two: UserLimitRule = { perMinute: 60, burst: 2 };
const times = (count: number, run: () => unknown) => Array.from({ length: count }, run);

describe('user limit', () => {
  it('lets a burst through, then one a second, and tells how long to wait', () => {
    const { ask, run, pass } = limits();
    expect(times(2, () => run(two))).toEqual(['goes on', 'goes on']);
    expect(ask(two)).toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 1,
      headers: { 'ratelimit-policy': '"user";q=60;w=60', ratelimit: '"user";r=0;t=1' },
    });
    pass(1000);
    expect(times(2, () => run(two))).toEqual(['goes on', 'rate_limited']);
  });

  it('counts each user by itself, and nobody who is anonymous', () => {
    const { run } = limits();
    times(3, () => run(two));
    expect([run(two), run(two, '/a', userB)]).toEqual(['rate_limited', 'goes on']);
    expect(times(5, () => run(two, '/a', undefined, true))).toEqual(times(5, () => 'goes on'));
    expect(times(5, () => run(undefined))).toEqual(times(5, () => 'goes on'));
  });

  it('counts the routes of one group together, others apart', () => {
    const { run } = limits();
    const grouped = { ...two, group: 'money' };
    expect([run(grouped, '/a'), run(grouped, '/b'), run(grouped, '/a')]).toEqual([
      'goes on',
      'goes on',
      'rate_limited',
    ]);
    expect([run(two, '/a'), run(two, '/a'), run(two, '/a'), run(two, '/b')]).toEqual([
      ...['goes on', 'goes on', 'rate_limited'],
      'goes on',
    ]);
  });

  it('is the same over reloads as long as its numbers are', () => {
    const userLimits = createUserLimits();
    expect(userLimits.of({ ...two }, '/a')).toBe(userLimits.of({ ...two }, '/a'));
    expect(userLimits.of({ perMinute: 60, burst: 3 }, '/a')).not.toBe(userLimits.of(two, '/a'));
    expect(userLimits.of({ perMinute: 60, burst: 6 }, '/a')).toBe(userLimits.of({ perMinute: 60 }, '/a'));
  });
});

describe('a limit that is decided elsewhere', () => {
  it('is waited for, and told in the same way', async () => {
    const answers = [0, 1500];
    const userLimits = createUserLimits(() => ({ take: async () => answers.shift() ?? 0 }));
    const step = userLimit({ elapsedMs: () => 0 });
    const exchange = exchangeOf('GET', '/a');
    exchange.route = routeTo('a', { userLimit: userLimits.of(two, '/a') });
    exchange.token = verified();
    expect(await step.run(exchange)).toBeUndefined();
    expect(await step.run(exchange)).toMatchObject({
      code: 'rate_limited',
      headers: { 'ratelimit-policy': '"user";q=60;w=60', ratelimit: '"user";r=0;t=2' },
    });
  });
});

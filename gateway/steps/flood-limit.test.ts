import { describe, expect, it } from 'vitest';
import { exchangeOf, outcomeOf } from '../testing/exchange.ts';
import { floodLimit } from './flood-limit.ts';

const limiter = (perMinute: number, burst: number) => {
  let now = 0;
  const step = floodLimit({ perMinute, burst, elapsedMs: () => now });
  const ask = (address = '192.0.2.1') => {
    const exchange = exchangeOf('GET', '/');
    exchange.address = address;
    return outcomeOf(step.run(exchange));
  };
  const wait = (ms: number): void => {
    now += ms;
  };
  return { ask, wait };
};

describe('the flood limit', () => {
  it('lets a burst through, then the rate', () => {
    const { ask, wait } = limiter(100, 10);
    const burst = Array.from({ length: 12 }, () => ask());
    expect(burst).toEqual([...Array.from({ length: 10 }, () => 'goes on'), 'rate_limited', 'rate_limited']);
    wait(600);
    expect([ask(), ask()]).toEqual(['goes on', 'rate_limited']);
    wait(60_000);
    expect(Array.from({ length: 11 }, () => ask()).filter((code) => code === 'goes on')).toHaveLength(10);
  });

  it('never lets more than rate and burst through in a minute', () => {
    const { ask, wait } = limiter(100, 10);
    let passed = 0;
    for (let second = 0; second < 600; second += 1) {
      if (ask() === 'goes on') passed += 1;
      wait(100);
    }
    expect(passed).toBeLessThanOrEqual(110);
    expect(passed).toBeGreaterThanOrEqual(100);
  });

  it('counts addresses apart, and an IPv6 network of 64 bits as one', () => {
    const { ask } = limiter(60, 1);
    expect([ask('192.0.2.1'), ask('192.0.2.2'), ask('192.0.2.1')]).toEqual(['goes on', 'goes on', 'rate_limited']);
    expect([ask('2001:db8::1'), ask('2001:db8:0:0:ffff::2'), ask('2001:db8:0:1::1')]).toEqual([
      'goes on',
      'rate_limited',
      'goes on',
    ]);
  });

  it('is off at 0', () => {
    const { ask } = limiter(0, 1);
    expect([ask(), ask(), ask()]).toEqual(['goes on', 'goes on', 'goes on']);
  });
});

import { systemRandom } from '@sallyport/kit/random';
import { openRedisRates } from '@sallyport/storage/redis';
import { anyRedis, isAnyRedisMissing } from '@sallyport/storage/redis/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { localGcra } from '../rate-limiter.ts';
import { exactLimits } from './exact-limits.ts';
import { createSubjectOf } from './subject.ts';

const open = async () => {
  const redis = await anyRedis();
  const rates = await openRedisRates({ url: redis.url, random: systemRandom });
  onTestFinished(async () => {
    rates.close();
    await redis.stop();
  });
  const counts = { asked: 0, failed: 0, decidedHere: 0 };
  const make = exactLimits({
    makeGcra: localGcra,
    rates: {
      get up() {
        return rates.up;
      },
      takeRate: (counter) => {
        counts.asked += 1;
        return rates.takeRate(counter);
      },
    },
    subjectOf: createSubjectOf(systemRandom.bytes(32)),
    health: {
      worked: () => undefined,
      failed: () => {
        counts.failed += 1;
      },
    },
    elapsedMs: () => performance.now(),
    onLocal: () => {
      counts.decidedHere += 1;
    },
  });
  const limiter = make('flood', { perMinute: 6, burst: 3 });
  const take = async (): Promise<number> => limiter.take('192.0.2.1', performance.now());
  return { take, close: rates.close, counts: () => counts };
};

describe.skipIf(isAnyRedisMissing())('exact limits', () => {
  it('ask Redis for what may pass, and not for what was told to wait', async () => {
    const { take, counts } = await open();
    for (let times = 0; times < 50; times += 1) await take();
    // Three that passed; the counter beside knows from the third answer on that the fourth has to wait.
    expect(counts()).toEqual({ asked: 3, failed: 0, decidedHere: 0 });
    expect(await take()).toBeGreaterThan(9000);
  });

  it('go on from what is known where Redis is gone', async () => {
    const { take, close, counts } = await open();
    expect([await take(), await take()]).toEqual([0, 0]);
    close();
    expect(await take()).toBe(0);
    expect(await take()).toBeGreaterThan(9000);
    expect(counts()).toEqual({ asked: 2, failed: 0, decidedHere: 1 });
  });
});

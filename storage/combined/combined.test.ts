import { describe } from 'vitest';
import { describeStorage } from '../conformance/index.ts';
import { isRedisMissing, startRedisCluster } from '../redis/testing/start-redis.ts';
import { combinedForTests } from './testing/open-combined.ts';

describe.skipIf(isRedisMissing())('with slots as in a cluster,', () =>
  describeStorage('sqlite and redis', async () => {
    const server = await startRedisCluster();
    const { open, clock, close } = combinedForTests(server.url);
    const [storage, second] = await Promise.all([open(), open()]);
    const stop = async () => {
      await close();
      await server.stop();
    };
    return { storage, second, advance: clock.advance, close: stop };
  }),
);

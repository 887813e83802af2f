import { describe } from 'vitest';
import { describeStorage } from '../conformance/index.ts';
import { openTestStore } from '../postgres/testing/open-test-store.ts';
import { anyPostgres, isAnyPostgresMissing } from '../postgres/testing/start-postgres.ts';
import { isRedisMissing, startRedisCluster } from '../redis/testing/start-redis.ts';
import { combinedForTests, type SqlForTests, sqliteForTests } from './testing/open-combined.ts';

const conforms = (name: string, openSql: () => Promise<SqlForTests>): void =>
  describeStorage(name, async () => {
    const [server, sql] = await Promise.all([startRedisCluster(), openSql()]);
    const { open, clock, close } = combinedForTests(server.url, sql);
    const [storage, second] = await Promise.all([open(), open()]);
    const stop = () => close().then(server.stop);
    return { storage, second, sessionsEndByThemselves: true, advance: clock.advance, close: stop };
  });

describe.skipIf(isRedisMissing())('with slots as in a cluster,', () => {
  conforms('sqlite and redis', async () => sqliteForTests());

  describe.skipIf(isAnyPostgresMissing())('a PostgreSQL', () => {
    conforms('postgres and redis', async () => {
      const { url, schema, stop } = await anyPostgres();
      return { open: ({ clockOffset }) => openTestStore(url, { schema, clockOffset }), remove: stop };
    });
  });
});

/** A user's effects go from SQL to Redis and back while several nodes drain both: whoever hears of them hears of them in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, newSession, newUser, times } from '../conformance/make.ts';
import type { Storage } from '../contracts/storage.ts';
import { openTestStore } from '../postgres/testing/open-test-store.ts';
import { anyPostgres, isAnyPostgresMissing } from '../postgres/testing/start-postgres.ts';
import { isRedisMissing, startRedis } from '../redis/testing/start-redis.ts';
import { type CombinedForTests, combinedForTests, type SqlForTests, sqliteForTests } from './testing/open-combined.ts';

const users = 150;

const keepsOrder = (name: string, openSql: () => Promise<SqlForTests>): void => {
  describe(name, () => {
    let combined: CombinedForTests;
    let stores: readonly Storage[];
    let stop: () => Promise<void>;
    beforeAll(async () => {
      const [server, sql] = await Promise.all([startRedis(), openSql()]);
      combined = combinedForTests(server.url, sql);
      stores = await Promise.all([combined.open(), combined.open()]);
      stop = () => combined.close().then(server.stop);
    });
    afterAll(() => stop());

    it('through registration, login, logout and deletion', async () => {
      const heard: string[] = [];
      const seen = new Set<string>();
      let living = true;
      const drainSome = async ({ effects }: Storage): Promise<number> => {
        const batch = await effects.readEffects(50);
        // As the outbox does it: in the order of coming, each once.
        for (const { id, userId, act } of batch) if (!seen.has(id)) seen.add(id) && heard.push(`${userId} ${act}`);
        await effects.removeEffects(batch);
        return batch.length;
      };
      const draining = stores.map(async (store) => {
        while (living) await drainSome(store);
      });
      const ids = await times(users, async (index) => {
        const { accounts, sessions } = stores[index % 2] as Storage;
        const user = newUser();
        await sleep(index * 3);
        await accounts.createUser(user, context);
        const session = newSession(user.id);
        await sessions.createSession(session);
        await sessions.endSession({ sessionId: session.id, cause: 'logout', context });
        // Within one millisecond a beginning counts as earlier than an end.
        await sleep(2);
        await sessions.createSession(newSession(user.id));
        await accounts.deleteUser(user.id, context);
        return user.id;
      });
      living = false;
      await Promise.all(draining);
      const [last] = stores;
      await expect.poll(() => last && drainSome(last), { timeout: 20_000, interval: 5 }).toBe(0);
      const wanted = ['user.created', 'session.started', 'session.ended', 'session.started', 'user.deleted'];
      for (const id of ids)
        expect(heard.filter((line) => line.startsWith(id)).map((line) => line.split(' ')[1])).toEqual(wanted);
    });
  });
};

describe.skipIf(isRedisMissing())('effects of one user keep their order', () => {
  keepsOrder('in SQLite and Redis', async () => sqliteForTests());
  describe.skipIf(isAnyPostgresMissing())('with a PostgreSQL', () => {
    keepsOrder('in it and Redis', async () => {
      const { url, schema, stop } = await anyPostgres();
      return { open: ({ clockOffset }) => openTestStore(url, { schema, clockOffset }), remove: stop };
    });
  });
});

/** What is done once, with no server at work, takes as long as the store is large: the limits of a verb are not for it. */
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { context, newUser } from '../conformance/make.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { anyPostgres, isAnyPostgresMissing } from './testing/start-postgres.ts';

it.skipIf(isAnyPostgresMissing())('a store with more accounts than a second can change is restored', async () => {
  const { url, schema, stop } = await anyPostgres();
  const storage = await openTestStore(url, { schema });
  const other = postgres(url, { max: 1, onnotice: () => undefined });
  onTestFinished(async () => {
    await storage.close();
    await other.end();
    await stop();
  });
  const user = newUser();
  await storage.accounts.createUser(user, context);
  // As long as some 100,000 accounts take on a slow disk.
  await other.unsafe(`CREATE FUNCTION ${schema}.take_long() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(1.6); RETURN NULL; END $$;
    CREATE TRIGGER take_long BEFORE UPDATE ON ${schema}.users EXECUTE FUNCTION ${schema}.take_long()`);
  expect((await storage.recovery.markRestored({ incarnation: 'of-a-test', context })).users).toBe(1);
  expect((await storage.accounts.findUser(user.id))?.sessionEpoch).toBeGreaterThan(1_000_000);
  expect(await storage.revocations.storeIncarnation()).toBe('of-a-test');
});

/** A position becomes readable only when every earlier transaction has ended (ADR 0020), whatever else holds a transaction open. */
import { defaultRealm, type UserId } from '@sallyport/contract';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, newId, newSession } from '../conformance/make.ts';
import type { Storage } from '../contracts/storage.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { anyPostgres, isAnyPostgresMissing, type PostgresDatabase } from './testing/start-postgres.ts';

describe.skipIf(isAnyPostgresMissing())('while a transaction is open', () => {
  let database: PostgresDatabase;
  let storage: Storage;
  let other: postgres.Sql;
  beforeAll(async () => {
    database = await anyPostgres();
    storage = await openTestStore(database.url, { schema: database.schema });
    other = postgres(database.url, { max: 1, onnotice: () => undefined });
  });
  afterAll(async () => {
    await other.end();
    await storage.close();
    await database.stop();
  });

  const append = (requestId: string) =>
    storage.effects.appendEffects([{ act: 'login.failed', realmId: defaultRealm, context: { ...context, requestId } }]);
  const read = async () => (await storage.effects.readEffects(100)).map(({ context: { requestId } }) => requestId);
  const removeAll = async () => storage.effects.removeEffects(await storage.effects.readEffects(1000));
  const start = async () => {
    const session = newSession(newId<UserId>());
    await storage.sessions.createSession(session);
    return session.id;
  };

  it('no later effect is read; afterwards all are, in one order, and what was removed is not again', async () => {
    await removeAll();
    await append('earlier');
    await other.unsafe(`BEGIN; SELECT ${database.schema}.append_effect('login.failed', 'main', NULL, NULL, NULL,
      ROW('user', 'open', NULL, NULL)::${database.schema}.act_context)`);
    await append('later');
    await append('latest');
    expect(await read()).toEqual(['earlier']);
    await removeAll();
    expect(await read()).toEqual([]);
    await other.unsafe('COMMIT');
    expect(await read()).toEqual(['open', 'later', 'latest']);
    // Out of their order, as a drain of two stores may remove them: what is in front stays readable.
    const [, middle] = await storage.effects.readEffects(3);
    await storage.effects.removeEffects(middle === undefined ? [] : [middle]);
    expect(await read()).toEqual(['open', 'latest']);
    await removeAll();
    expect(await read()).toEqual([]);
  });

  it('one that only reads (a dump) holds nothing back; one that writes elsewhere holds effects back, and no revocation', async () => {
    await removeAll();
    await other.unsafe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    await append('beside a dump');
    expect(await read()).toEqual(['beside a dump']);
    await other.unsafe('COMMIT; CREATE TEMPORARY TABLE elsewhere (n integer); BEGIN; INSERT INTO elsewhere VALUES (1)');
    await removeAll();
    const session = await start();
    const before = await storage.revocations.lastRevocationPosition();
    await storage.sessions.endSession({ sessionId: session, cause: 'logout', context });
    expect(await read()).toEqual([]);
    expect(await storage.revocations.readRevocations(before, 10)).toHaveLength(1);
    await other.unsafe('COMMIT');
    expect(await read()).toHaveLength(2);
  });

  it('no later revocation is read, nor its position told; whoever comes later waits for its turn', async () => {
    const [held, waits] = [await start(), await start()];
    const before = await storage.revocations.lastRevocationPosition();
    await other.unsafe(`BEGIN; UPDATE ${database.schema}.sessions SET revoked_at_ms = 1, revoked_cause = 'logout' WHERE id = '${held}';
      SELECT ${database.schema}.append_revocation('main', 'session', '${held}', NULL, 'logout', 900000)`);
    const later = storage.sessions.endSession({ sessionId: waits, cause: 'logout', context });
    expect(await Promise.race([later, new Promise((resolve) => setTimeout(() => resolve('waits'), 200))])).toBe(
      'waits',
    );
    expect(await storage.revocations.readRevocations(before, 10)).toEqual([]);
    expect(await storage.revocations.lastRevocationPosition()).toBe(before);
    await other.unsafe('COMMIT');
    expect(await later).toBe(true);
    const entries = await storage.revocations.readRevocations(before, 10);
    expect(entries.map(({ position, subject }) => [position, subject])).toEqual([
      [before + 1, { kind: 'session', sessionId: held }],
      [before + 2, { kind: 'session', sessionId: waits }],
    ]);
  });

  it('a revocation wakes whoever waits in another process at once', async () => {
    const second = await openTestStore(database.url, { schema: database.schema });
    try {
      const woken = new Promise<void>((resolve) => second.revocations.onWrite(resolve));
      const session = await start();
      await storage.sessions.endSession({ sessionId: session, cause: 'logout', context });
      await woken;
    } finally {
      await second.close();
    }
  });
});

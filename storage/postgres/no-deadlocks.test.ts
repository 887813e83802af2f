import { type DeviceId, defaultRealm, type SessionId } from '@sallyport/contract';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, newId, newSession, newUser, times } from '../conformance/make.ts';
import type { Storage } from '../contracts/storage.ts';
import { openTestStore } from './testing/open-test-store.ts';
import { isPostgresMissing, type PostgresServer, startPostgres } from './testing/start-postgres.ts';

describe.skipIf(isPostgresMissing())('verbs on the same few users', () => {
  let server: PostgresServer;
  let stores: readonly Storage[];
  beforeAll(async () => {
    server = await startPostgres();
    stores = await times(2, () => openTestStore(server.url));
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.stop();
  });

  it('all at once, over two processes, never wait for each other in a ring, and each is answered', async () => {
    const users = [newUser(), newUser(), newUser()];
    const [first] = stores;
    for (const user of users) await first?.accounts.createUser(user, context);
    const deviceId = newId<DeviceId>();
    const sessions: SessionId[] = [];
    const verbs = [
      async (store: Storage, turn: number) => {
        const user = users[turn % users.length] ?? newUser();
        const session = newSession(user.id, { deviceId, maxPerUser: 3, maxPerDevice: 2 });
        await store.sessions.createSession(session);
        sessions.push(session.id);
      },
      (store: Storage, turn: number) =>
        store.sessions.endSession({ sessionId: sessions[turn % sessions.length] ?? newId(), cause: 'logout', context }),
      (store: Storage, turn: number) =>
        store.sessions.endSessionsOfUser({
          userId: users[turn % users.length]?.id ?? newId(),
          cause: 'logout',
          context,
        }),
      (store: Storage, turn: number) =>
        store.accounts.endAllSessions(users[turn % users.length]?.id ?? newId(), context),
      (store: Storage) => store.revocations.tidyRevocations(2),
      (store: Storage, turn: number) => {
        const gates = ['a', 'b', 'c'].map((subject) => ({ purpose: 'login', subject, limit: 1000, windowMs: 60_000 }));
        const mixed = turn % 2 ? gates : gates.toReversed();
        return store.counters.reserveAttempt({
          realmId: defaultRealm,
          attemptId: newId(),
          gates: mixed,
          leaseMs: 1000,
        });
      },
      async (store: Storage) => {
        const effects = await store.effects.readEffects(20);
        const records = effects.map(({ id, realmId, atMs, context: { actor, requestId } }) => {
          return { effectId: id, realmId, atMs, eventType: 'any', actor, requestId, details: '{}' };
        });
        await store.audit.appendAudit(records);
        await store.effects.removeEffects(effects);
      },
    ];
    const work = async (worker: number) => {
      for (let turn = 0; turn < 60; turn += 1) {
        const [verb, store] = [verbs[(worker + turn) % verbs.length], stores[(worker + turn) % stores.length]];
        if (verb !== undefined && store !== undefined) await verb(store, worker * 7 + turn);
      }
    };
    await times(16, work);
    const admin = postgres(server.url, { max: 1 });
    const [row] = await admin.unsafe("SELECT deadlocks::integer FROM pg_stat_database WHERE datname = 'postgres'");
    await admin.end();
    expect(row?.['deadlocks']).toBe(0);
  });
});

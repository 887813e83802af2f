/** What Redis does to a store when it is killed, hangs, is full or becomes a replica: StoreUnavailable within 2 s, and back within 5. */
import { createClient } from '@redis/client';
import { defaultRealm, type EpochMs, type UserId } from '@sallyport/contract';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { context, newId, newSession } from '../conformance/make.ts';
import type { NewSession } from '../contracts/sessions.ts';
import type { Storage } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { isRedisMissing, type RedisServer, startRedis } from '../redis/testing/start-redis.ts';
import { combinedForTests } from './testing/open-combined.ts';

const open = async (settings: readonly string[] = []): Promise<{ server: RedisServer; storage: Storage }> => {
  const server = await startRedis(settings);
  const combined = combinedForTests(server.url);
  onTestFinished(async () => {
    await combined.close();
    await server.stop();
  });
  return { server, storage: await combined.open() };
};

const command = async (server: RedisServer, ...words: readonly string[]): Promise<void> => {
  const client = await createClient({ url: server.url }).connect();
  await client.sendCommand([...words]);
  client.destroy();
};

const start = async (storage: Storage, fields: Partial<NewSession> = {}): Promise<NewSession> => {
  const session = newSession(newId<UserId>(), fields);
  await storage.sessions.createSession(session);
  return session;
};

const later = (): EpochMs => (Date.now() + 60_000) as EpochMs;

/** Every kind of verb that Redis serves. */
const verbsOf = (
  { sessions, nonces, counters, effects, ...storage }: Storage,
  { id: sessionId, userId }: NewSession,
) => {
  const attempt = { realmId: defaultRealm, purpose: 'login', subject: 'a' };
  const gates = [{ ...attempt, limit: 10, windowMs: 60_000 }];
  const nonce = { realmId: defaultRealm, purpose: 'test', nonce: newId(), madeAtMs: later(), expiresAtMs: later() };
  return {
    createSession: () => sessions.createSession(newSession(userId)),
    findSession: () => sessions.findSession(sessionId),
    keepSession: () => sessions.keepSession({ sessionId, generation: 0, context }),
    listSessions: () => sessions.listSessions({ userId, sessionEpoch: 1, limit: 10 }),
    endSession: () => sessions.endSession({ sessionId, cause: 'logout', context }),
    endSessionsOfUser: () => sessions.endSessionsOfUser({ userId, cause: 'logout_all', context }),
    consumeNonce: () => nonces.consumeNonce(nonce),
    countAttempt: () => counters.countAttempt({ ...attempt, limit: 10, windowMs: 60_000 }),
    reserveAttempt: () => counters.reserveAttempt({ realmId: defaultRealm, attemptId: 'x', gates, leaseMs: 1000 }),
    readEffects: () => effects.readEffects(10),
    ping: () => storage.ping(),
  };
};

type Verbs = Readonly<Record<string, () => Promise<unknown>>>;

/** How each verb fails; `unknown` where its outcome is. */
const failures = async (verbs: Verbs): Promise<Readonly<Record<string, string>>> => {
  const failed = await Promise.all(
    Object.entries(verbs).map(async ([name, verb]): Promise<[string, string]> => {
      const error = await verb().then(
        () => 'answered',
        (reason: unknown) => reason,
      );
      if (!(error instanceof StoreUnavailable)) return [name, String(error)];
      return [name, error.outcomeUnknown ? 'unknown' : 'refused'];
    }),
  );
  return Object.fromEntries(failed);
};

const all = (verbs: Verbs, how: string) => Object.fromEntries(Object.keys(verbs).map((name) => [name, how]));

const answersAgain = (storage: Storage): Promise<unknown> =>
  vi.waitUntil(
    () =>
      storage.ping().then(
        () => true,
        () => false,
      ),
    { timeout: 5000 },
  );

describe.skipIf(isRedisMissing())('a store whose Redis', () => {
  it('is killed is unavailable at once, and back by itself', async () => {
    const { server, storage } = await open();
    const verbs = verbsOf(storage, await start(storage));
    await server.kill();
    await failures({ ping: verbs.ping });
    const began = performance.now();
    expect(await failures(verbs)).toEqual(all(verbs, 'refused'));
    expect(performance.now() - began).toBeLessThan(100);
    await server.restart();
    await answersAgain(storage);
    expect((await storage.sessions.findSession((await start(storage)).id)).value).toBeDefined();
  });

  it('hangs is unavailable within 2 s, with outcomes that nobody knows, and back by itself', async () => {
    const { server, storage } = await open();
    const session = await start(storage);
    const verbs = verbsOf(storage, session);
    server.freeze();
    const began = performance.now();
    expect(await failures(verbs)).toEqual(all(verbs, 'unknown'));
    expect(performance.now() - began).toBeLessThan(2000);
    server.thaw();
    await answersAgain(storage);
    expect((await storage.sessions.findSession(session.id)).value).toBeDefined();
  });

  it('is full takes nothing new, changes nothing by half, and goes on when there is room', async () => {
    const { server, storage } = await open();
    const session = await start(storage);
    const verbs = verbsOf(storage, session);
    await command(server, 'CONFIG', 'SET', 'maxmemory', '1mb');
    expect(await failures(verbs)).toMatchObject({
      ...{ createSession: 'refused', keepSession: 'refused', consumeNonce: 'refused', reserveAttempt: 'refused' },
      ...{ findSession: 'answered', listSessions: 'answered', readEffects: 'answered' },
    });
    await command(server, 'CONFIG', 'SET', 'maxmemory', '0');
    // What was to end has ended where it counts, though Redis could not be told.
    expect((await storage.sessions.findSession(session.id)).value).toMatchObject({ revokedAtMs: expect.any(Number) });
    expect(await failures({ createSession: verbs.createSession })).toEqual({ createSession: 'answered' });
  });

  it('becomes a replica is left, and used again when it is the one that takes writes', async () => {
    const { server, storage } = await open();
    const verbs = verbsOf(storage, await start(storage));
    await command(server, 'REPLICAOF', '127.0.0.1', '1');
    expect((await failures({ createSession: verbs.createSession }))['createSession']).toBe('refused');
    await command(server, 'REPLICAOF', 'NO', 'ONE');
    await answersAgain(storage);
    expect(await failures({ createSession: verbs.createSession })).toEqual({ createSession: 'answered' });
  });

  it('is still loading its data is waited for, and nobody is told that a session is lost', async () => {
    // Microseconds for each key that is loaded.
    const { server, storage } = await open([
      '--key-load-delay',
      '2000',
      '--loading-process-events-interval-bytes',
      '1024',
    ]);
    const sessions = await Promise.all(Array.from({ length: 100 }, () => start(storage)));
    await server.save();
    await server.kill();
    await server.restart();
    const found = new Set<unknown>();
    const look = async (): Promise<boolean> => {
      const session = sessions[found.size % sessions.length];
      const answer = await storage.sessions.findSession(session?.id ?? newId()).then(
        ({ value }) => (value === undefined ? 'lost' : 'found'),
        (error: unknown) => (error instanceof StoreUnavailable ? 'unavailable' : error),
      );
      found.add(answer);
      return answer === 'found';
    };
    await vi.waitUntil(look, { timeout: 5000 });
    expect([...found]).toEqual(['unavailable', 'found']);
  });
});

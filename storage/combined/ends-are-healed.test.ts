import type { DeviceId, UserId } from '@sallyport/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, newId, newSession } from '../conformance/make.ts';
import type { Storage } from '../contracts/storage.ts';
import { StoreUnavailable } from '../contracts/store.ts';
import { isRedisMissing, type RedisServer, startRedis } from '../redis/testing/start-redis.ts';
import { type CombinedForTests, combinedForTests } from './testing/open-combined.ts';

let server: RedisServer;
let combined: CombinedForTests;
/** A node that dies between Redis and SQL, and another one. */
let [dying, other]: Storage[] = [];

const cutOff = (sql: Storage): Storage => ({
  ...sql,
  revocations: {
    ...sql.revocations,
    recordSessionEnds: async (ends) => {
      if (ends.length > 0) throw new StoreUnavailable('cut off');
      return [];
    },
  },
});

describe.skipIf(isRedisMissing())('an end that Redis was told and SQL was not', () => {
  beforeAll(async () => {
    server = await startRedis();
    combined = combinedForTests(server.url);
    [dying, other] = [await combined.open(cutOff), await combined.open()];
  });
  afterAll(async () => {
    await combined.close();
    await server.stop();
  });

  const stores = () => {
    if (dying === undefined || other === undefined) throw new Error('not open');
    return { dying, other };
  };
  const recorded = async (id: ReturnType<typeof newSession>['id']) =>
    (await stores().other.revocations.findSessionEnds([id])).get(id)?.cause;

  it('by a verdict of reuse is recorded by whoever drains its effect, once', async () => {
    const session = newSession(newId<UserId>());
    await stores().other.sessions.createSession(session);
    const { sessions } = stores().dying;
    const rotation = { keyId: 1, tokenHash: session.tokenHash, hashKeyId: '', rotationId: session.rotationId };
    const move = {
      ...rotation,
      sessionId: session.id,
      expectedGeneration: 0,
      newGeneration: 1,
      idleTtlMs: 1000,
      context,
    };
    await sessions.rotateSession(move);
    const verdict = { sessionId: session.id, presentedGeneration: 0, overlapMs: 0, context };
    await expect(sessions.endReusedSession(verdict)).rejects.toThrow(StoreUnavailable);
    expect(await recorded(session.id)).toBeUndefined();
    const effects = await stores().other.effects.readEffects(1000);
    expect(effects.filter(({ sessionId }) => sessionId === session.id).map(({ act }) => act)).toEqual([
      'session.started',
      'session.refreshed',
      'refresh.reused',
    ]);
    expect(await recorded(session.id)).toBe('reused');
    await stores().other.effects.readEffects(1000);
    const entries = await stores().other.revocations.readRevocations(0, 1000);
    expect(entries.map(({ subject, cause }) => [subject, cause])).toEqual([
      [{ kind: 'session', sessionId: session.id }, 'reused'],
    ]);
  });

  it('by a limit of sessions as well', async () => {
    const deviceId = newId<DeviceId>();
    const first = newSession(newId<UserId>(), { deviceId, maxPerDevice: 1 });
    await stores().other.sessions.createSession(first);
    const next = newSession(first.userId, { deviceId, maxPerDevice: 1 });
    await expect(stores().dying.sessions.createSession(next)).rejects.toThrow(StoreUnavailable);
    await stores().other.effects.readEffects(1000);
    expect(await recorded(first.id)).toBe('replaced');
  });
});

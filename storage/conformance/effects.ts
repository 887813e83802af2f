import { setImmediate as turn } from 'node:timers/promises';
import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { Effect } from '../contracts/effects.ts';
import { context, newId, newSession, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const effectsConformance: Conformance = (store) => {
  const all = () => store().second.effects.readEffects(1_000_000);
  describe('effects, audit, outbox', () => {
    it('tell of every change, once, with who did it, in its order', async () => {
      const user = newUser();
      await store().storage.accounts.createUser(user, context);
      const session = newSession(user.id);
      await store().storage.sessions.createSession(session);
      await store().storage.sessions.endSession({ sessionId: session.id, cause: 'logout', context });
      const own = (await all()).filter(({ userId }) => userId === user.id);
      expect(own.map(({ act }) => act)).toEqual(['user.created', 'session.started', 'session.ended']);
      expect(own[2]).toMatchObject({ sessionId: session.id, data: { cause: 'logout' }, context, version: 1 });
      const everything = await all();
      expect(new Set(everything.map(({ id }) => id)).size).toBe(everything.length);
    });

    it('are appended by themselves where nothing else changes', async () => {
      const requestId = newId();
      await times(20, () =>
        store().storage.effects.appendEffects([
          {
            act: 'login.failed',
            realmId: defaultRealm,
            context: { ...context, requestId },
            data: { reason: 'password' },
          },
        ]),
      );
      expect((await all()).filter((effect: Effect) => effect.context.requestId === requestId)).toHaveLength(20);
    });

    it('are read from the oldest on, and removed exactly as they were read', async () => {
      const append = () =>
        store().storage.effects.appendEffects([{ act: 'login.failed', realmId: defaultRealm, context }]);
      const user = newUser();
      await store().storage.accounts.createUser(user, context);
      await store().storage.sessions.createSession(newSession(user.id));
      await append();
      const some = await store().storage.effects.readEffects(2);
      expect(some).toHaveLength(2);
      const before = await all();
      await append();
      await store().storage.effects.removeEffects(before);
      expect(await all()).toHaveLength(1);
      await store().second.effects.removeEffects(before);
      expect((await all())[0]?.act).toBe('login.failed');
    });

    it('are all seen, once, by a reader that removes what it has read while others write', async () => {
      const requestId = newId();
      const ids: string[] = [];
      const { effects } = store().second;
      const drainSome = async (): Promise<number> => {
        const some = await effects.readEffects(7);
        ids.push(...some.filter((effect) => effect.context.requestId === requestId).map(({ id }) => id));
        await effects.removeEffects(some);
        return some.length;
      };
      let writing = true;
      const writers = times(12, async (index) => {
        const own = (index % 2 ? store().storage : store().second).effects;
        for (let count = 0; count < 10; count += 1)
          await own.appendEffects([{ act: 'login.failed', realmId: defaultRealm, context: { ...context, requestId } }]);
      }).finally(() => {
        writing = false;
      });
      while (writing) {
        await drainSome();
        // A store that answers at once would let nobody else have a turn.
        await turn();
      }
      await writers;
      while ((await drainSome()) > 0);
      expect(ids).toHaveLength(120);
      expect(new Set(ids).size).toBe(120);
    });

    it('reach audit and outbox once per effect id, however often they are delivered', async () => {
      const record = {
        effectId: newId(),
        realmId: defaultRealm,
        eventType: 'login',
        actor: 'user',
        userId: newId(),
        requestId: 'r',
        details: '{}',
        atMs: Date.now() as EpochMs,
      };
      await times(5, () => store().storage.audit.appendAudit([record]));
      expect(await store().second.audit.listAudit({ realmId: defaultRealm, userId: record.userId, limit: 10 })).toEqual(
        [record],
      );
      const { effectId, realmId, atMs } = record;
      const event = { effectId, realmId, atMs, type: 'USER_CREATED', version: 1, key: record.userId, data: '{"a":1}' };
      await times(5, () => store().storage.outbox.appendEvents([event]));
      expect(await store().second.outbox.listEvents({ key: record.userId, limit: 10 })).toEqual([
        { ...event, position: expect.any(Number), state: 'pending', tries: 0 },
      ]);
    });
  });
};

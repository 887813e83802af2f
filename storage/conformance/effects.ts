import { setImmediate as turn } from 'node:timers/promises';
import { defaultRealm, type EpochMs } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { Effect } from '../contracts/effects.ts';
import { context, newId, newSession, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const effectsConformance: Conformance = (store) => {
  const all = () => store().second.effects.readEffects(0, 1_000_000);
  describe('effects, audit, outbox', () => {
    it('tell of every change, once, with who did it; positions rise', async () => {
      const user = newUser();
      await store().storage.accounts.createUser(user, context);
      const session = newSession(user.id);
      await store().storage.sessions.createSession(session);
      await store().storage.sessions.endSession({ sessionId: session.id, cause: 'logout', context });
      const own = (await all()).filter(({ userId }) => userId === user.id);
      expect(own.map(({ act }) => act)).toEqual(['user.created', 'session.started', 'session.ended']);
      expect(own[2]).toMatchObject({ sessionId: session.id, data: { cause: 'logout' }, context, version: 1 });
      const positions = (await all()).map(({ position }) => position);
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      expect(new Set((await all()).map(({ id }) => id)).size).toBe(positions.length);
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

    it('are trimmed up to a position, and positions never come again', async () => {
      const before = (await all()).at(-1)?.position ?? 0;
      await store().storage.effects.trimEffects(before);
      expect(await all()).toEqual([]);
      await store().storage.effects.appendEffects([{ act: 'login.failed', realmId: defaultRealm, context }]);
      expect((await all())[0]?.position).toBeGreaterThan(before);
    });

    it('are all seen, once and in one order, by a reader that goes on from where it was while others write', async () => {
      const from = (await all()).at(-1)?.position ?? 0;
      const requestId = newId();
      const ids = new Set<string>();
      let position = from;
      const readOn = async (): Promise<void> => {
        for (const effect of await store().second.effects.readEffects(position, 7)) {
          expect(effect.position).toBeGreaterThan(position);
          expect(ids.has(effect.id)).toBe(false);
          position = effect.position;
          if (effect.context.requestId === requestId) ids.add(effect.id);
        }
      };
      let writing = true;
      const writers = times(12, async (index) => {
        const { effects } = index % 2 ? store().storage : store().second;
        for (let count = 0; count < 10; count += 1)
          await effects.appendEffects([
            { act: 'login.failed', realmId: defaultRealm, context: { ...context, requestId } },
          ]);
      }).finally(() => {
        writing = false;
      });
      while (writing) {
        await readOn();
        // A store that answers at once would let nobody else have a turn.
        await turn();
      }
      await writers;
      while (position < ((await all()).at(-1)?.position ?? 0)) await readOn();
      expect(ids.size).toBe(120);
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
      const events = await store().second.outbox.readEvents(0, 1000);
      expect(events.filter((found) => found.effectId === effectId)).toEqual([
        { ...event, position: expect.any(Number) },
      ]);
    });
  });
};

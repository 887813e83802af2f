import { setImmediate as turn } from 'node:timers/promises';
import { defaultRealm, type EpochMs, type SessionId, type UserId } from '@sallyport/contract';
import { describe, expect, it } from 'vitest';
import type { SessionEnd } from '../contracts/revocations.ts';
import { context, newId, newSession, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const revocationsConformance: Conformance = (store) => {
  const revocations = () => store().storage.revocations;
  const live = async () => (await revocations().countRevocations()).live;
  /** A user with some sessions, all but one of them ended. */
  const userWithEnded = async (ended: number): Promise<UserId> => {
    const user = newUser();
    await store().storage.accounts.createUser(user, context);
    for (let count = 0; count <= ended; count += 1) {
      const session = newSession(user.id);
      await store().storage.sessions.createSession(session);
      if (count < ended) await store().storage.sessions.endSession({ sessionId: session.id, cause: 'logout', context });
    }
    return user.id;
  };
  const clear = async (): Promise<void> => {
    // Beyond the lifetime of every entry that other suites have left.
    store().advance(400 * 86_400_000);
    await revocations().tidyRevocations(1_000_000);
  };

  describe('revocations', () => {
    it('are kept up to the limit, and nothing is folded below it', async () => {
      await clear();
      await userWithEnded(5);
      expect(await revocations().tidyRevocations(5)).toEqual({ expired: 0, folded: 0, users: 0 });
      expect(await live()).toBe(5);
    });

    it('of the users with the most ended sessions are folded, down to half; the epoch goes with them, by one', async () => {
      await clear();
      const [many, some, one] = [await userWithEnded(6), await userWithEnded(3), await userWithEnded(1)];
      const epoch = async (id: UserId) => (await store().second.accounts.findUser(id))?.accessEpoch;
      expect(await revocations().tidyRevocations(9)).toEqual({ expired: 0, folded: 9, users: 2 });
      const left = await store().second.revocations.readLiveRevocations(0, 100);
      const kinds = left.map(({ subject, cause }) => `${subject.kind} ${cause}`);
      expect(kinds).toEqual(['session logout', 'user folded', 'user folded']);
      expect(left.find(({ subject }) => subject.kind === 'user')?.subject).toEqual({
        kind: 'user',
        userId: many,
        minimumEpoch: 2,
      });
      expect(await Promise.all([many, some, one].map(epoch))).toEqual([2, 2, 1]);
      // Whoever reads on from where he was finds what has taken their place.
      expect(await revocations().lastRevocationPosition()).toBe(left.at(-1)?.position);
    });

    it('of users with one ended session each stay, however many they are', async () => {
      await clear();
      for (let count = 0; count < 4; count += 1) await userWithEnded(1);
      expect(await revocations().tidyRevocations(1)).toEqual({ expired: 0, folded: 0, users: 0 });
      expect(await live()).toBe(4);
    });

    it('are folded once, whoever else does it at the same time', async () => {
      await clear();
      const user = await userWithEnded(8);
      const outcomes = await times(6, (index) =>
        (index % 2 ? store().storage : store().second).revocations.tidyRevocations(4),
      );
      expect(outcomes.map(({ folded }) => folded).toSorted((a, b) => b - a)).toEqual([8, 0, 0, 0, 0, 0]);
      expect((await store().storage.accounts.findUser(user))?.accessEpoch).toBe(2);
    });

    it('are all seen, once and in one order, by a reader that goes on from where it was while others write', async () => {
      await clear();
      const user = newUser();
      await store().storage.accounts.createUser(user, context);
      const sessions = await times(40, async () => {
        const session = newSession(user.id);
        await store().storage.sessions.createSession(session);
        return session.id;
      });
      let position = await revocations().lastRevocationPosition();
      const seen: string[] = [];
      const readOn = async (): Promise<void> => {
        for (const entry of await store().second.revocations.readRevocations(position, 3)) {
          expect(entry.position).toBeGreaterThan(position);
          position = entry.position;
          if (entry.subject.kind === 'session') seen.push(entry.subject.sessionId);
        }
      };
      let writing = true;
      const ends = Promise.all(
        sessions.map((sessionId, index) =>
          (index % 2 ? store().storage : store().second).sessions.endSession({ sessionId, cause: 'logout', context }),
        ),
      ).finally(() => {
        writing = false;
      });
      while (writing) {
        await readOn();
        // A store that answers at once would let nobody else have a turn.
        await turn();
      }
      await ends;
      while (position < (await revocations().lastRevocationPosition())) await readOn();
      expect(seen.toSorted()).toEqual(sessions.toSorted());
    });

    it('that have expired are removed, and their positions never given again', async () => {
      await clear();
      await userWithEnded(2);
      const last = await revocations().lastRevocationPosition();
      store().advance(100_000_000);
      expect(await revocations().countRevocations()).toEqual({ live: 0, expired: 2 });
      expect(await revocations().tidyRevocations(10)).toEqual({ expired: 2, folded: 0, users: 0 });
      expect(await revocations().lastRevocationPosition()).toBe(last);
      await userWithEnded(1);
      expect(await revocations().lastRevocationPosition()).toBe(last + 1);
    });

    it('of a session that another store keeps are recorded by one of 10 callers, with entry and effect; all find it', async () => {
      const end = endOfElsewhere(newId<UserId>());
      const last = await revocations().lastRevocationPosition();
      const recorded = await times(10, (index) =>
        (index % 2 ? store().storage : store().second).revocations.recordSessionEnds([end], context),
      );
      expect(recorded.flat()).toEqual([end.sessionId]);
      const entries = await store().second.revocations.readRevocations(last, 10);
      expect(entries.map(({ subject, cause }) => [subject, cause])).toEqual([
        [{ kind: 'session', sessionId: end.sessionId }, 'logout'],
      ]);
      const reused = { ...endOfElsewhere(newId<UserId>()), cause: 'reused' as const };
      await revocations().recordSessionEnds([reused], context);
      const effects = await store().second.effects.readEffects(1_000_000);
      // Of two users: nobody promises which of them comes first within one millisecond.
      expect(
        [end, reused].flatMap((of) => effects.filter(({ sessionId }) => sessionId === of.sessionId)),
      ).toMatchObject([
        { act: 'session.ended', sessionId: end.sessionId, userId: end.userId, data: { cause: 'logout' }, context },
        {
          act: 'refresh.reused',
          sessionId: reused.sessionId,
          userId: reused.userId,
          data: { cause: 'reused' },
          context,
        },
      ]);
      const found = await store().second.revocations.findSessionEnds([newId<SessionId>(), end.sessionId]);
      expect([...found]).toEqual([[end.sessionId, { cause: 'logout', atMs: expect.any(Number) }]]);
    });

    it('of a session that nobody has a row of are kept as long as asked', async () => {
      const { userId: _unknown, ...end } = endOfElsewhere(newId<UserId>());
      await revocations().recordSessionEnds([end], context);
      const find = async () => (await revocations().findSessionEnds([end.sessionId])).size;
      await revocations().tidyRevocations(1_000_000);
      expect(await find()).toBe(1);
      store().advance(8000 * 86_400_000);
      await revocations().tidyRevocations(1_000_000);
      expect(await find()).toBe(0);
    });

    it('end the own row of a session, if there is one', async () => {
      const session = newSession(newId<UserId>());
      await store().storage.sessions.createSession(session);
      await revocations().recordSessionEnds([{ ...endOfElsewhere(session.userId), sessionId: session.id }], context);
      const { value } = await store().second.sessions.findSession(session.id);
      expect(value).toMatchObject({ revokedCause: 'logout', revokedAtMs: expect.any(Number) });
    });
  });

  describe('companions', () => {
    it('that come back as another are told to one of 10 callers', async () => {
      const companion = newId();
      const note = (incarnation: string) =>
        times(10, (index) =>
          (index % 2 ? store().storage : store().second).companions.noteIncarnation(companion, incarnation),
        );
      const { hasCompanion } = store().second.companions;
      expect(await hasCompanion(companion)).toBe(false);
      expect((await note('first')).filter((previous) => previous !== undefined)).toEqual([]);
      expect(await hasCompanion(companion)).toBe(true);
      expect((await note('second')).filter((previous) => previous !== undefined)).toEqual(['first']);
    });
  });
};

const endOfElsewhere = (userId: UserId): SessionEnd & { readonly userId: UserId } => ({
  sessionId: newId<SessionId>(),
  realmId: defaultRealm,
  userId,
  cause: 'logout',
  keepUntilMs: (Date.now() + 8000 * 86_400_000) as EpochMs,
});

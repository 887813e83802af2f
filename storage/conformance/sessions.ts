import { type DeviceId, defaultRealm, type SessionId, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import type { NewSession, Rotation } from '../contracts/sessions.ts';
import { context, newId, newSession, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const overlapMs = 10_000;

const rotation = (sessionId: SessionId, expectedGeneration: number, fields: Partial<Rotation> = {}): Rotation => ({
  sessionId,
  expectedGeneration,
  newGeneration: expectedGeneration + 1,
  keyId: 2,
  tokenHash: systemRandom.bytes(32),
  hashKeyId: '',
  rotationId: systemRandom.bytes(16),
  idleTtlMs: 3_600_000,
  context,
  ...fields,
});

export const sessionsConformance: Conformance = (store) => {
  const sessions = () => store().storage.sessions;
  const start = async (fields: Partial<NewSession> = {}) => {
    const session = newSession(newId<UserId>(), fields);
    await sessions().createSession(session);
    return session;
  };
  const read = async (id: SessionId) => (await store().second.sessions.findSession(id)).value;

  describe('sessions', () => {
    it('keep what was given; address and agent come back unsealed', async () => {
      const bound = { boundKeyThumbprint: 'thumbprint', proofRequired: true };
      const session = await start({ deviceId: newId<DeviceId>(), label: 'phone', scope: 'a b', ...bound });
      const found = await read(session.id);
      expect(found).toMatchObject({
        id: session.id,
        userId: session.userId,
        deviceId: session.deviceId,
        generation: 0,
        keyId: 1,
        amr: ['pwd'],
        label: 'phone',
        scope: 'a b',
        ...bound,
        loserAttempts: [],
      });
      expect(Buffer.from(found?.salt ?? []).equals(session.salt)).toBe(true);
      expect(found?.origin()).toEqual({ address: '192.0.2.1', userAgent: 'suite/1' });
      expect(found).not.toHaveProperty('revokedAtMs');
    });

    it('let exactly one of 50 rotations of one generation win, over two connections; the rest see its row', async () => {
      const session = await start();
      const outcomes = await times(50, (index) =>
        (index % 2 ? store().storage : store().second).sessions.rotateSession(rotation(session.id, 0)),
      );
      const winners = outcomes.filter(({ value }) => value.won);
      expect(winners).toHaveLength(1);
      expect(winners[0]?.value).toEqual({ won: true, sessionEpoch: 1 });
      const row = await read(session.id);
      expect(row?.generation).toBe(1);
      for (const { value } of outcomes) {
        if (value.won) continue;
        expect(value.session?.generation).toBe(1);
        expect(Buffer.from(row?.rotationId ?? []).equals(value.session?.rotationId ?? new Uint8Array())).toBe(true);
      }
    });

    it('replace the attempts at each rotation, keep at most 8 losers inside the overlap and none after it', async () => {
      const session = await start();
      const attempt = () => systemRandom.bytes(32);
      const winner = attempt();
      await sessions().rotateSession(rotation(session.id, 0, { attempt: winner }));
      const record = (generation: number) =>
        sessions().recordLoserAttempt({ sessionId: session.id, generation, attempt: attempt(), overlapMs });
      await times(12, () => record(1));
      await record(0);
      const inside = await read(session.id);
      expect(Buffer.from(inside?.winnerAttempt ?? []).equals(winner)).toBe(true);
      expect(inside?.loserAttempts).toHaveLength(8);
      await sessions().rotateSession(rotation(session.id, 1));
      const next = await read(session.id);
      expect(next?.loserAttempts).toHaveLength(0);
      expect(next).not.toHaveProperty('winnerAttempt');
      store().advance(overlapMs);
      await record(2);
      expect((await read(session.id))?.loserAttempts).toHaveLength(0);
    });

    it('keep their salt in a rotation, unless it brings a new one', async () => {
      const session = await start();
      await sessions().rotateSession(rotation(session.id, 0));
      expect(Buffer.from((await read(session.id))?.salt ?? []).equals(session.salt)).toBe(true);
      const newSalt = systemRandom.bytes(16);
      await sessions().rotateSession(rotation(session.id, 1, { newSalt }));
      expect(newSalt.equals((await read(session.id))?.salt ?? new Uint8Array())).toBe(true);
    });

    it('never rotate what has ended or expired', async () => {
      const ended = await start();
      await sessions().endSession({ sessionId: ended.id, cause: 'logout', context });
      expect((await sessions().rotateSession(rotation(ended.id, 0))).value).toMatchObject({ won: false });
      const idle = await start({ idleTtlMs: 1000 });
      store().advance(1000);
      expect((await sessions().rotateSession(rotation(idle.id, 0))).value).toMatchObject({ won: false });
      expect((await sessions().keepSession({ sessionId: idle.id, generation: 0, context })).value).toBe(false);
    });

    it('never live past the absolute expiry, whatever the idle time', async () => {
      const session = await start({ absoluteTtlMs: 5000 });
      await sessions().rotateSession(rotation(session.id, 0, { idleTtlMs: 3_600_000 }));
      const row = await read(session.id);
      expect(row?.idleExpiresAtMs).toBe(row?.absoluteExpiresAtMs);
    });

    it('give a verdict of reuse only where the row bears it out, and to one of 10 callers', async () => {
      const session = await start();
      const end = (presentedGeneration: number) =>
        sessions().endReusedSession({ sessionId: session.id, presentedGeneration, overlapMs, context });
      expect(await end(0)).toBe(false);
      await sessions().rotateSession(rotation(session.id, 0));
      expect(await end(0)).toBe(false);
      expect(await end(1)).toBe(false);
      store().advance(overlapMs);
      expect((await times(10, () => end(0))).filter(Boolean)).toHaveLength(1);
      expect(await read(session.id)).toMatchObject({ revokedCause: 'reused' });
    });

    it('end a session once, only for its user where one is named', async () => {
      const session = await start();
      const end = (userId?: UserId) =>
        sessions().endSession({ sessionId: session.id, ...(userId && { userId }), cause: 'ended_by_user', context });
      expect(await end(newId<UserId>())).toBe(false);
      expect((await times(10, () => end(session.userId))).filter(Boolean)).toHaveLength(1);
      expect(await read(session.id)).toMatchObject({ revokedCause: 'ended_by_user' });
    });

    it('end all of a user but one, and list what lives, newest first', async () => {
      const userId = newId<UserId>();
      const ids: SessionId[] = [];
      for (let count = 0; count < 4; count += 1) {
        const session = newSession(userId);
        await sessions().createSession(session);
        ids.push(session.id);
        store().advance(1);
      }
      const list = async () =>
        (await sessions().listSessions({ userId, sessionEpoch: 1, limit: 10 })).map(({ id }) => id);
      expect(await list()).toEqual(ids.toReversed());
      const [first] = ids;
      expect(
        await sessions().endSessionsOfUser({
          userId,
          ...(first && { except: first }),
          cause: 'ended_by_user',
          context,
        }),
      ).toBe(3);
      expect(await list()).toEqual([first]);
      expect(await sessions().listSessions({ userId, sessionEpoch: 2, limit: 10 })).toEqual([]);
    });

    it('end the oldest above the limit of a user and the earlier one of a device', async () => {
      const userId = newId<UserId>();
      const first = newSession(userId, { maxPerUser: 2 });
      await sessions().createSession(first);
      store().advance(1);
      const deviceId = newId<DeviceId>();
      const second = newSession(userId, { maxPerUser: 2, maxPerDevice: 1, deviceId });
      await sessions().createSession(second);
      store().advance(1);
      const third = newSession(userId, { maxPerUser: 2, maxPerDevice: 1, deviceId });
      await sessions().createSession(third);
      expect(await read(second.id)).toMatchObject({ revokedCause: 'replaced' });
      expect(await read(first.id)).not.toHaveProperty('revokedCause');
      await sessions().createSession(newSession(userId, { maxPerUser: 2 }));
      expect(await read(first.id)).toMatchObject({ revokedCause: 'evicted' });
    });

    it('keep exactly as many as the limits allow of logins at once, over two connections', async () => {
      const live = async (fields: Partial<NewSession>): Promise<number> => {
        const userId = newId<UserId>();
        await times(12, (index) =>
          (index % 2 ? store().storage : store().second).sessions.createSession(newSession(userId, fields)),
        );
        return (await sessions().listSessions({ userId, sessionEpoch: 1, limit: 100 })).length;
      };
      expect(await live({ deviceId: newId<DeviceId>(), maxPerDevice: 1 })).toBe(1);
      expect(await live({ maxPerUser: 3 })).toBe(3);
    });

    it('never end a live session for a limit that expired ones fill', async () => {
      const userId = newId<UserId>();
      const live = newSession(userId, { maxPerUser: 2 });
      await sessions().createSession(live);
      store().advance(1);
      await sessions().createSession(newSession(userId, { maxPerUser: 2, idleTtlMs: 1000 }));
      store().advance(1001);
      await sessions().createSession(newSession(userId, { maxPerUser: 2 }));
      expect(await read(live.id)).not.toHaveProperty('revokedCause');
    });

    it('adopt an epoch only from the expected one', async () => {
      const session = await start();
      expect(await sessions().adoptEpoch({ sessionId: session.id, fromEpoch: 2, toEpoch: 3 })).toBe(false);
      expect(await sessions().adoptEpoch({ sessionId: session.id, fromEpoch: 1, toEpoch: 2 })).toBe(true);
      expect(await read(session.id)).toMatchObject({ sessionEpoch: 2 });
    });

    it('write last seen at most once a minute', async () => {
      const session = await start();
      const before = (await read(session.id))?.lastSeenAtMs;
      await sessions().keepSession({ sessionId: session.id, generation: 0, context });
      expect((await read(session.id))?.lastSeenAtMs).toBe(before);
      store().advance(60_000);
      await sessions().keepSession({ sessionId: session.id, generation: 0, origin: { address: '192.0.2.9' }, context });
      const after = await read(session.id);
      expect(after?.lastSeenAtMs).toBeGreaterThan(Number(before));
      expect(after?.origin()).toEqual({ address: '192.0.2.9' });
    });

    it("restart the overlap only where the rotation id is the caller's own", async () => {
      const session = await start();
      const own = rotation(session.id, 0);
      await sessions().rotateSession(own);
      store().advance(overlapMs);
      const settle = (rotationId: Uint8Array) => sessions().settleRotation({ sessionId: session.id, rotationId });
      expect(await settle(systemRandom.bytes(16))).toBe(false);
      expect(await settle(own.rotationId)).toBe(true);
      const end = { sessionId: session.id, presentedGeneration: 0, overlapMs, context };
      expect(await sessions().endReusedSession(end)).toBe(false);
    });

    it('write a revocation entry with every end, in the order of commits', async () => {
      const position = async () =>
        (await store().storage.revocations.readRevocations(0, 100_000)).at(-1)?.position ?? 0;
      const before = await position();
      const [first, second] = [await start(), await start()];
      await sessions().endSession({ sessionId: first.id, cause: 'logout', context });
      await sessions().endSession({ sessionId: second.id, cause: 'logout', context });
      const entries = await store().second.revocations.readRevocations(before, 10);
      expect(entries.map(({ subject }) => subject)).toEqual([
        { kind: 'session', sessionId: first.id },
        { kind: 'session', sessionId: second.id },
      ]);
      expect(entries[0]).toMatchObject({ realmId: defaultRealm, cause: 'logout' });
      expect(await store().storage.revocations.storeIncarnation()).toBe(
        await store().second.revocations.storeIncarnation(),
      );
    });
  });
};

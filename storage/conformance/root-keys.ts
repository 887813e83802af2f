import { type DeviceId, defaultRealm, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { type SealedColumn, type SealedValue, sealedColumns } from '../contracts/root-keys.ts';
import { context, newId, newSession, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const rootKeysConformance: Conformance = (store) => {
  const keys = (index = 0) => (index % 2 === 0 ? store().storage : store().second).rootKeys;

  const all = async (column: SealedColumn, limit = 1000): Promise<readonly SealedValue[]> => {
    const found: SealedValue[] = [];
    for (let after: string | undefined; ; ) {
      const page = await keys().readSealed({ column, limit, ...(after !== undefined && { after }) });
      expect(page.values.length).toBeLessThanOrEqual(limit);
      found.push(...page.values);
      after = page.last;
      if (after === undefined) return found;
    }
  };
  const readOne = async (column: SealedColumn, id: string) => (await all(column)).find((value) => value.id === id);

  /** A value in every column. */
  const makeAll = async () => {
    const user = newUser({ phoneNumber: '+44 20 7946 0000' });
    await store().storage.accounts.createUser(user, context);
    const deviceId = newId<DeviceId>();
    await store().storage.devices.createDevice(
      {
        ...{ id: deviceId, realmId: defaultRealm, userId: user.id, curve: 'X25519', proofRequired: false },
        ...{ deviceKey: systemRandom.bytes(32), challenge: systemRandom.bytes(32) },
      },
      { maxPerUser: 0, pendingMs: 0 },
    );
    await store().storage.devices.noteDeviceSeen(deviceId, { address: '192.0.2.9' });
    const candidate = { kid: newId<string>(), realmId: defaultRealm, algorithm: 'HS256', publicJwk: '{}' } as const;
    const ring = await store().storage.keys.ensureCurrentKey({ ...candidate, sealedPrivateKey: 'v1.1.a.b' }, context);
    const kid = ring[0]?.kid ?? '';
    return {
      'signing_keys.private_key_sealed': kid,
      'users.phone_sealed': user.id,
      'devices.device_key_sealed': deviceId,
      'devices.origin_sealed': deviceId,
    } as const;
  };

  describe('sealed values', () => {
    it('are found in every column, in steps of any size, and replaced where they are what they were', async () => {
      const ids = await makeAll();
      await times(3, makeAll);
      for (const column of sealedColumns) {
        const id = ids[column];
        const found = await all(column, 2);
        expect(new Set(found.map((value) => value.id)).size).toBe(found.length);
        const value = found.find((each) => each.id === id);
        expect(value?.place).toMatchObject({ column: column.split('.')[1], row: expect.stringContaining(id) });
        const from = value?.sealed ?? '';
        const to = (index: number) => `${from}-${index}`;
        // Of all who have read one value, one replaces it.
        const replaced = await times(6, (index) =>
          keys(index).replaceSealed({ column, changes: [{ id, from, to: to(index) }] }),
        );
        expect(replaced.reduce((sum, count) => sum + count, 0)).toBe(1);
        expect((await readOne(column, id))?.sealed).toBe(to(replaced.indexOf(1)));
        // A second change of what is not there any more, and one of a row that never was.
        const stale = { id, from, to: 'v1.9.x.y' };
        const nobody = { ...stale, id: newId<string>() };
        expect(await keys(1).replaceSealed({ column, changes: [stale, nobody] })).toBe(0);
        const back = [{ id, from: to(replaced.indexOf(1)), to: from }];
        expect(await keys(1).replaceSealed({ column, changes: back })).toBe(1);
        expect((await readOne(column, id))?.sealed).toBe(from);
      }
      expect(await keys().replaceSealed({ column: 'users.phone_sealed', changes: [] })).toBe(0);
    });

    it('that somebody has written or taken away meanwhile are not brought back', async () => {
      const ids = await makeAll();
      const [phone, origin] = ['users.phone_sealed', 'devices.origin_sealed'] as const;
      const [phoneBefore, originBefore] = [await readOne(phone, ids[phone]), await readOne(origin, ids[origin])];
      await store().storage.devices.noteDeviceSeen(ids[origin], { address: '192.0.2.10' });
      await store().storage.accounts.deleteUser(ids[phone], context);
      await store().second.housekeeping.eraseUser(ids[phone], context);
      const change = (value: SealedValue | undefined) => ({ id: value?.id ?? '', from: value?.sealed ?? '', to: 'x' });
      expect(await keys().replaceSealed({ column: phone, changes: [change(phoneBefore)] })).toBe(0);
      expect(await keys().replaceSealed({ column: origin, changes: [change(originBefore)] })).toBe(0);
      expect(await readOne(phone, ids[phone])).toBeUndefined();
    });
  });

  it('live sessions are counted by the root key that they need', async () => {
    const count = async (kid: number) => {
      const found = await keys(1).countSessionsByRoot();
      return found.find((each) => each.kid === String(kid));
    };
    const user = newUser();
    await store().storage.accounts.createUser(user, context);
    const start = async (keyId: number, userId: UserId = user.id) => {
      const session = newSession(userId, { keyId });
      await store().storage.sessions.createSession(session);
      return session.id;
    };
    const [first] = [await start(40_001), await start(40_001), await start(40_002)];
    expect(await count(40_001)).toMatchObject({ sessions: 2, untilMs: expect.any(Number) });
    await store().storage.sessions.endSession({ sessionId: first, cause: 'logout', context });
    expect([(await count(40_001))?.sessions, (await count(40_002))?.sessions]).toEqual([1, 1]);
    expect(await count(40_003)).toBeUndefined();
  });

  it('live sessions are found by the root key of their token, and end only while it is that one', async () => {
    const { accounts, sessions, revocations, effects } = store().storage;
    const user = newUser();
    await accounts.createUser(user, context);
    const start = async (keyId: number) => {
      const session = newSession(user.id, { keyId });
      await sessions.createSession(session);
      return session.id;
    };
    const find = async (keyId: number, limit: number) => {
      const found: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await keys(1).readSessionsOfRoot({ keyId, limit, ...(after !== undefined && { after }) });
        found.push(...page.sessionIds);
        after = page.last;
        if (after === undefined) return found.toSorted();
      }
    };
    const [first, rotated, other, over] = [
      await start(50_001),
      await start(50_001),
      await start(50_002),
      await start(50_001),
    ];
    const end = (sessionId: typeof first, keyId: number, index = 0) =>
      (index % 2 === 0 ? store().storage : store().second).sessions.endSession({
        ...{ sessionId, keyId, cause: 'key_removed', context },
      });
    await sessions.endSession({ sessionId: over, cause: 'logout', context });
    expect(await find(50_001, 3)).toEqual([first, rotated].toSorted());
    expect(await find(50_002, 1000)).toEqual([other]);
    expect(await find(50_003, 1000)).toEqual([]);

    // Found under one key, and under another one by the time that its end comes.
    const { salt: _salt, ...next } = newSession(user.id, { keyId: 50_002 });
    const rotation = { ...next, sessionId: rotated, expectedGeneration: 0, newGeneration: 1, idleTtlMs: 3_600_000 };
    expect((await sessions.rotateSession(rotation)).value.won).toBe(true);
    expect(await end(rotated, 50_001)).toBe(false);
    expect(await end(other, 50_001)).toBe(false);
    expect(await end(newId(), 50_001)).toBe(false);
    expect(await find(50_002, 2)).toEqual([rotated, other].toSorted());

    const ended = await times(4, (index) => end(first, 50_001, index));
    expect(ended.filter(Boolean)).toHaveLength(1);
    expect((await sessions.findSession(first)).value?.revokedCause).toBe('key_removed');
    expect(await find(50_001, 1000)).toEqual([]);
    const told = (await effects.readEffects(10_000)).filter(({ data }) => data?.['cause'] === 'key_removed');
    expect(told).toMatchObject([{ act: 'session.ended', userId: user.id, sessionId: first }]);
    const entries = (await revocations.readRevocations(0, 100_000)).filter(({ cause }) => cause === 'key_removed');
    expect(entries.map(({ subject }) => subject)).toContainEqual({ kind: 'session', sessionId: first });
    expect(entries.map(({ subject }) => subject)).not.toContainEqual({ kind: 'session', sessionId: rotated });
  });
};

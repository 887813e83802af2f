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
};

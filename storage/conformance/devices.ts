import { type DeviceId, defaultRealm, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import type { NewDevice } from '../contracts/devices.ts';
import { context, newId, newUser, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

const withinMs = 300_000;
const plenty = { maxPerUser: 0, pendingMs: withinMs };

const newDevice = (fields: Partial<NewDevice> = {}): NewDevice => ({
  id: newId<DeviceId>(),
  realmId: defaultRealm,
  userId: newId<UserId>(),
  name: 'phone',
  curve: 'X25519',
  deviceKey: systemRandom.bytes(32),
  proofRequired: true,
  challenge: systemRandom.bytes(32),
  ...fields,
});

export const devicesConformance: Conformance = (store) => {
  const devices = () => store().storage.devices;
  const confirmed = async (fields: Partial<NewDevice> = {}): Promise<NewDevice> => {
    const device = newDevice(fields);
    await devices().createDevice(device, plenty);
    await devices().confirmDevice({ deviceId: device.id, withinMs, context });
    return device;
  };

  describe('devices', () => {
    it('are confirmed once, listed while they live, revoked once and only by their user', async () => {
      const { id, userId, deviceKey, challenge, ...device } = newDevice({ proofKeyThumbprint: 'thumb' });
      await devices().createDevice({ id, userId, deviceKey, challenge, ...device }, plenty);
      expect(await devices().listDevices(userId)).toEqual([]);
      const begun = await store().second.devices.findDevice(id);
      expect(Buffer.from(begun?.challenge ?? [])).toEqual(Buffer.from(challenge));
      const confirm = () => devices().confirmDevice({ deviceId: id, withinMs, context });
      expect((await times(10, confirm)).filter(Boolean)).toHaveLength(1);
      const [listed] = await store().second.devices.listDevices(userId);
      expect(listed).toMatchObject({ id, userId, ...device });
      expect(listed?.challenge).toBeUndefined();
      expect(listed?.origin()).toEqual({});
      expect(Buffer.from(listed?.deviceKey ?? [])).toEqual(Buffer.from(deviceKey));
      expect(await devices().revokeDevice(id, newId<UserId>(), context)).toBe(false);
      expect((await times(10, () => devices().revokeDevice(id, userId, context))).filter(Boolean)).toHaveLength(1);
      expect(await devices().listDevices(userId)).toEqual([]);
      expect((await devices().findDevice(id))?.revokedAtMs).toBeTypeOf('number');
      expect(await confirm()).toBe(false);
    });

    it('are not confirmed late, and are taken away when nobody has', async () => {
      const late = newDevice();
      await devices().createDevice(late, plenty);
      store().advance(withinMs);
      expect(await devices().confirmDevice({ deviceId: late.id, withinMs, context })).toBe(false);
      const kept = await confirmed();
      const recent = newDevice();
      await devices().createDevice(recent, plenty);
      const remove = () =>
        store().storage.housekeeping.removeDeadDevices({
          unconfirmedForMs: withinMs,
          revokedForMs: 10 * withinMs,
          limit: 1000,
        });
      expect(await remove()).toBeGreaterThanOrEqual(1);
      expect(await remove()).toBe(0);
      const found = await Promise.all([late, kept, recent].map(({ id }) => devices().findDevice(id)));
      expect(found.map((device) => device?.id)).toEqual([undefined, kept.id, recent.id]);
    });

    it('are taken away when they were revoked long ago, and no others', async () => {
      const [gone, kept, live] = [await confirmed(), await confirmed(), await confirmed()];
      await devices().revokeDevice(gone.id, gone.userId, context);
      store().advance(withinMs);
      await devices().revokeDevice(kept.id, kept.userId, context);
      const remove = () =>
        store().storage.housekeeping.removeDeadDevices({
          unconfirmedForMs: 10 * withinMs,
          revokedForMs: withinMs,
          limit: 1000,
        });
      expect(await remove()).toBeGreaterThanOrEqual(1);
      expect(await remove()).toBe(0);
      const found = await Promise.all([gone, kept, live].map(({ id }) => devices().findDevice(id)));
      expect(found.map((device) => device?.id)).toEqual([undefined, kept.id, live.id]);
    });

    it('are never more than a user may have, however many are begun at once over two connections', async () => {
      const user = newUser();
      await store().storage.accounts.createUser(user, context);
      const { id: userId } = user;
      const room = { maxPerUser: 3, pendingMs: withinMs };
      const begin = (index: number) =>
        (index % 2 ? store().storage : store().second).devices.createDevice(newDevice({ userId }), room);
      expect((await times(20, begin)).filter(Boolean)).toHaveLength(3);
      const own = await confirmed();
      expect(await devices().createDevice(newDevice({ userId: own.userId }), { ...room, maxPerUser: 1 })).toBe(false);
      expect(await devices().revokeDevice(own.id, own.userId, context)).toBe(true);
      expect(await devices().createDevice(newDevice({ userId: own.userId }), { ...room, maxPerUser: 1 })).toBe(true);
      // Those that were begun and given up are in nobody's way.
      store().advance(withinMs);
      expect(await begin(0)).toBe(true);
    });

    it("are renamed, trusted for a time by the store's clock, and remember their last login; by their user alone", async () => {
      const { id: deviceId, userId } = await confirmed({ name: 'before' });
      const stranger = newId<UserId>();
      expect(await devices().changeDevice({ deviceId, userId: stranger, name: 'mine' })).toBe(false);
      expect(await devices().changeDevice({ deviceId, userId, name: 'after' })).toBe(true);
      const { nowMs } = await store().storage.sessions.findSession(newId());
      expect(await devices().changeDevice({ deviceId, userId, trustedForMs: 1000 })).toBe(true);
      await devices().noteDeviceSeen(deviceId, { address: '192.0.2.7', userAgent: 'agent' });
      const found = await store().second.devices.findDevice(deviceId);
      expect(found?.name).toBe('after');
      expect(found?.trustedUntilMs).toBeGreaterThanOrEqual(nowMs + 1000);
      expect(found?.lastSeenAtMs).toBeGreaterThanOrEqual(nowMs);
      expect(found?.origin()).toEqual({ address: '192.0.2.7', userAgent: 'agent' });
      await devices().revokeDevice(deviceId, userId, context);
      expect(await devices().changeDevice({ deviceId, userId, name: 'again' })).toBe(false);
    });
  });
};

import { type DeviceId, defaultRealm, type UserId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import { describe, expect, it } from 'vitest';
import { context, newId, times } from './make.ts';
import type { Conformance } from './store-under-test.ts';

export const devicesConformance: Conformance = (store) => {
  const devices = () => store().storage.devices;
  describe('devices', () => {
    it('are confirmed once, listed while they live, revoked once and only by their user', async () => {
      const userId = newId<UserId>();
      const id = newId<DeviceId>();
      const deviceKey = systemRandom.bytes(32);
      await devices().createDevice({
        id,
        realmId: defaultRealm,
        userId,
        name: 'phone',
        curve: 'X25519',
        deviceKey,
        proofRequired: true,
      });
      expect(await devices().listDevices(userId)).toEqual([]);
      expect((await times(10, () => devices().confirmDevice(id, context))).filter(Boolean)).toHaveLength(1);
      const [listed] = await store().second.devices.listDevices(userId);
      expect(listed).toMatchObject({ id, userId, name: 'phone', curve: 'X25519', proofRequired: true });
      expect(deviceKey.equals(listed?.deviceKey ?? new Uint8Array())).toBe(true);
      expect(await devices().revokeDevice(id, newId<UserId>(), context)).toBe(false);
      expect((await times(10, () => devices().revokeDevice(id, userId, context))).filter(Boolean)).toHaveLength(1);
      expect(await devices().listDevices(userId)).toEqual([]);
      expect((await devices().findDevice(id))?.revokedAtMs).toBeTypeOf('number');
      expect(await devices().confirmDevice(id, context)).toBe(false);
    });
  });
};

import type { DeviceId, SessionId, UserId } from '@sallyport/contract';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Devices } from '@sallyport/storage/contracts/devices';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';

export interface RevokeDeviceOptions {
  readonly devices: Pick<Devices, 'findDevice' | 'listDevices' | 'revokeDevice'>;
  readonly sessions: Pick<Sessions, 'listSessions' | 'endSession'>;
}

type Owner = Pick<User, 'id' | 'sessionEpoch'>;

export interface RevokeDevice {
  /** False: no device of this user. A second call ends what the first one could not reach any more. */
  revoke(owner: Owner, deviceId: DeviceId, context: ActContext): Promise<boolean>;
  /** Every one but `kept`. Returns how many. */
  revokeOthers(owner: Owner, kept: DeviceId | undefined, context: ActContext): Promise<number>;
}

/** As many as a user may have, SESSIONS_PER_USER. */
const listLimit = 10_000;

/**
 * The device first, its sessions after it: a login that is under way asks for its device again once its session stands, so that
 * it is either seen here or sees the revocation itself.
 */
export const createRevokeDevice = ({ devices, sessions }: RevokeDeviceOptions): RevokeDevice => {
  const sessionsOf = async ({ id: userId, sessionEpoch }: Owner, ofDevice: DeviceId): Promise<readonly SessionId[]> => {
    const live = await sessions.listSessions({ userId, sessionEpoch, limit: listLimit });
    return live.filter(({ deviceId }) => deviceId === ofDevice).map(({ id }) => id);
  };
  const endSessions = async (owner: Owner, deviceId: DeviceId, context: ActContext): Promise<void> => {
    for (const sessionId of await sessionsOf(owner, deviceId))
      await sessions.endSession({ sessionId, userId: owner.id, cause: 'device_revoked', context });
  };
  const isOwn = async (userId: UserId, deviceId: DeviceId): Promise<boolean> => {
    const device = await devices.findDevice(deviceId);
    return device?.userId === userId && device.confirmedAtMs !== undefined;
  };
  const revoke: RevokeDevice['revoke'] = async (owner, deviceId, context) => {
    const isFirst = await devices.revokeDevice(deviceId, owner.id, context);
    if (!isFirst && !(await isOwn(owner.id, deviceId))) return false;
    await endSessions(owner, deviceId, context);
    return true;
  };
  return {
    revoke,
    revokeOthers: async (owner, kept, context) => {
      const others = (await devices.listDevices(owner.id)).filter(({ id }) => id !== kept);
      for (const { id } of others) await revoke(owner, id, context);
      return others.length;
    },
  };
};

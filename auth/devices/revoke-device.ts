import { type DeviceId, Problem, type SessionId, type UserId } from '@sallyport/contract';
import type { Accounts, User } from '@sallyport/storage/contracts/accounts';
import type { Devices } from '@sallyport/storage/contracts/devices';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';

export interface RevokeDeviceOptions {
  readonly accounts: Pick<Accounts, 'findUser'>;
  readonly devices: Pick<Devices, 'findDevice' | 'listDevices' | 'revokeDevice'>;
  readonly sessions: Pick<Sessions, 'listSessions' | 'endSession'>;
}

type Owner = Pick<User, 'id'>;

export interface RevokeDevice {
  /** False: no device of this user. A second call ends what the first one could not reach any more. */
  revoke(owner: Owner, deviceId: DeviceId, context: ActContext): Promise<boolean>;
  /** Every one but `kept`. Returns how many. */
  revokeOthers(owner: Owner, kept: DeviceId | undefined, context: ActContext): Promise<number>;
}

/** As many as a user may have, SESSIONS_PER_USER. */
const listLimit = 10_000;
/** Password changes and logouts of everything that may come between, one after the other. */
const maxRounds = 10;

/**
 * The device first, its sessions after it: a login that is under way asks for its device again once its session stands, so that
 * it is either seen here or sees the revocation itself.
 */
export const createRevokeDevice = ({ accounts, devices, sessions }: RevokeDeviceOptions): RevokeDevice => {
  const epochOf = async (userId: UserId): Promise<number | undefined> =>
    (await accounts.findUser(userId))?.sessionEpoch;
  const sessionsOf = async (
    userId: UserId,
    sessionEpoch: number,
    ofDevice: DeviceId,
  ): Promise<readonly SessionId[]> => {
    const live = await sessions.listSessions({ userId, sessionEpoch, limit: listLimit });
    return live.filter(({ deviceId }) => deviceId === ofDevice).map(({ id }) => id);
  };
  /**
   * Only sessions of the user's epoch are listed, and the caller's own knowledge of it may be old: a logout of everything and a new login
   * on the device may have come since. So the epoch is read after the revocation, and once more after the list: a session that has
   * taken up a newer one meanwhile (a password change on the device) is found in the next round. Those of older epochs are dead.
   */
  const endSessions = async (userId: UserId, deviceId: DeviceId, context: ActContext): Promise<void> => {
    let epoch = await epochOf(userId);
    for (let round = 0; round < maxRounds; round += 1) {
      if (epoch === undefined) return;
      for (const sessionId of await sessionsOf(userId, epoch, deviceId))
        await sessions.endSession({ sessionId, userId, cause: 'device_revoked', context });
      const now = await epochOf(userId);
      if (now === epoch) return;
      epoch = now;
    }
    throw new Problem('busy', { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
  };
  const isOwn = async (userId: UserId, deviceId: DeviceId): Promise<boolean> => {
    const device = await devices.findDevice(deviceId);
    return device?.userId === userId && device.confirmedAtMs !== undefined;
  };
  const revoke: RevokeDevice['revoke'] = async (owner, deviceId, context) => {
    const isFirst = await devices.revokeDevice(deviceId, owner.id, context);
    if (!isFirst && !(await isOwn(owner.id, deviceId))) return false;
    await endSessions(owner.id, deviceId, context);
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

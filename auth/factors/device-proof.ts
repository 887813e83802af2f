/** Proof that a login comes from a registered device: two MACs under its key, in a window of time, once. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { defaultRealm, type EpochMs, isDeviceId } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Random } from '@sallyport/kit/random';
import type { Device, Devices } from '@sallyport/storage/contracts/devices';
import type { Nonces } from '@sallyport/storage/contracts/nonces';
import type { DeviceFactor, DeviceProof, DeviceVerdict } from './factor.ts';

export interface DeviceFactorOptions {
  readonly devices: Pick<Devices, 'findDevice'>;
  /** Of a store that forgets none (`lastingNonces`). */
  readonly nonces: Nonces;
  readonly clock: Clock;
  readonly random: Pick<Random, 'bytes'>;
  /** How far the client's clock may be from ours, either way. */
  readonly windowMs: number;
}

const keyBytes = 32;
/** Clocks of the nodes may be apart: a spent nonce is kept longer than any of them would take its timestamp. */
const nonceSlackMs = 60_000;
const noncePurpose = 'device-login';

/**
 * contracts/device-chat.md, in this order: time, both MACs, then the nonce is spent, so that only whoever holds a key can spend one.
 * Unknown, unconfirmed and revoked devices are judged against a key that nobody holds, at the same cost.
 */
export const createDeviceFactor = (options: DeviceFactorOptions): DeviceFactor => {
  const { devices, nonces, clock, random, windowMs } = options;
  const find = async (deviceId: string): Promise<Device | undefined> => {
    const device = isDeviceId(deviceId) ? await devices.findDevice(deviceId) : undefined;
    return device !== undefined && canLogIn(device) ? device : undefined;
  };
  return {
    amr: 'swk',
    verify: async (proof) => {
      const madeAtMs = Number(proof.timestamp);
      if (Math.abs(clock.nowMs() - madeAtMs) > windowMs) return { kind: 'refused', reason: 'device_time' };
      const device = await find(proof.deviceId);
      const right = hasRightMacs(proof, device?.deviceKey ?? random.bytes(keyBytes));
      if (device === undefined || !right) return { kind: 'refused', reason: 'device_mac' };
      const isFirst = await nonces.consumeNonce({
        realmId: defaultRealm,
        purpose: noncePurpose,
        nonce: `${proof.deviceId}:${proof.nonce}`,
        // By the client's clock, which may be ahead of the store's by as much as is let pass.
        madeAtMs: (madeAtMs - windowMs) as EpochMs,
        expiresAtMs: (madeAtMs + windowMs + nonceSlackMs) as EpochMs,
      });
      return isFirst ? proveSecondKey(device, proof) : { kind: 'refused', reason: 'device_replayed' };
    },
    lives: async (deviceId) => (await find(deviceId)) !== undefined,
  };
};

/** Where a refresh demands it, a login does: whoever has the device's key and the password alone must not begin a session without it. */
const proveSecondKey = async (device: Device, { proveKey }: DeviceProof): Promise<DeviceVerdict> => {
  const { proofKeyThumbprint: thumbprint, proofRequired } = device;
  if (thumbprint === undefined || (proveKey === undefined && !proofRequired)) return { kind: 'proved', device };
  const isProved = proveKey !== undefined && (await proveKey(thumbprint));
  return isProved
    ? { kind: 'proved', device, boundKeyThumbprint: thumbprint }
    : { kind: 'refused', reason: 'device_proof' };
};

const canLogIn = ({ confirmedAtMs, revokedAtMs }: Device): boolean =>
  confirmedAtMs !== undefined && revokedAtMs === undefined;

/** Both are computed and compared whatever the first one says. */
const hasRightMacs = (proof: DeviceProof, key: Uint8Array): boolean => {
  const { deviceId, timestamp, nonce, username } = proof;
  const sessionId = isMac(proof.sessionId, key, `${deviceId}:${timestamp}:${nonce}`);
  const signature = isMac(proof.signature, key, `login:${username}:${timestamp}:${nonce}`);
  return sessionId && signature;
};

const isMac = (sent: string, key: Uint8Array, message: string): boolean => {
  const expected = Buffer.from(createHmac('sha256', key).update(message).digest('hex'));
  const given = Buffer.from(sent);
  return given.length === expected.length && timingSafeEqual(given, expected);
};

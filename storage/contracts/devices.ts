import type { DeviceId, EpochMs, RealmId, UserId } from '@sallyport/contract';
import type { ActContext } from './store.ts';

export interface Device {
  readonly id: DeviceId;
  readonly realmId: RealmId;
  readonly userId: UserId;
  readonly name?: string;
  readonly curve: 'X25519' | 'P-256';
  /** The 32-byte device key; sealed at rest, bound to realm, user and device. */
  readonly deviceKey: Uint8Array;
  readonly proofRequired: boolean;
  readonly createdAtMs: EpochMs;
  readonly confirmedAtMs?: EpochMs;
  readonly revokedAtMs?: EpochMs;
}

export type NewDevice = Omit<Device, 'createdAtMs' | 'confirmedAtMs' | 'revokedAtMs'>;

export interface Devices {
  /** Unconfirmed: it cannot log in yet. */
  createDevice(device: NewDevice): Promise<void>;
  /** Of N callers one confirms (`true`); a confirmed or revoked device is not confirmed again. */
  confirmDevice(deviceId: DeviceId, context: ActContext): Promise<boolean>;
  findDevice(deviceId: DeviceId): Promise<Device | undefined>;
  /** Confirmed and not revoked, newest first. */
  listDevices(userId: UserId): Promise<readonly Device[]>;
  /** Of N callers one revokes. */
  revokeDevice(deviceId: DeviceId, userId: UserId, context: ActContext): Promise<boolean>;
}

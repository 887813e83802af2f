import type { DeviceId, EpochMs, RealmId, UserId } from '@sallyport/contract';
import type { Origin } from './sessions.ts';
import type { ActContext } from './store.ts';

export const deviceCurves = ['X25519', 'P-256'] as const;
export type DeviceCurve = (typeof deviceCurves)[number];

/** A registered key of one user's client. Whoever logs in with it has shown that he holds it. */
export interface Device {
  readonly id: DeviceId;
  readonly realmId: RealmId;
  readonly userId: UserId;
  readonly name?: string;
  readonly curve: DeviceCurve;
  /** The 32-byte device key; sealed at rest, bound to realm, user and device. */
  readonly deviceKey: Uint8Array;
  /** RFC 7638 thumbprint of a second key, which never leaves the client: sessions of the device are bound to it. */
  readonly proofKeyThumbprint?: string;
  /** Fixed at the registration: a refresh without proof of that second key changes nothing. */
  readonly proofRequired: boolean;
  readonly createdAtMs: EpochMs;
  readonly confirmedAtMs?: EpochMs;
  readonly revokedAtMs?: EpochMs;
  /** The last login. */
  readonly lastSeenAtMs?: EpochMs;
  /** Until when a second factor need not be asked for on it. */
  readonly trustedUntilMs?: EpochMs;
  /** What its client has to answer until it is confirmed: 32 bytes, no secret. */
  readonly challenge?: Uint8Array;
  /** Where its last login came from; sealed at rest, opened when it is asked for. */
  readonly origin: () => Origin;
}

export type NewDevice = Omit<
  Device,
  'createdAtMs' | 'confirmedAtMs' | 'revokedAtMs' | 'lastSeenAtMs' | 'trustedUntilMs' | 'challenge' | 'origin'
> & { readonly challenge: Uint8Array };

export interface Devices {
  /**
   * Unconfirmed: it cannot log in yet. False: the user has as many as may be, confirmed or begun less than `pendingMs` ago by the store's clock.
   * N callers never pass the limit. `maxPerUser` 0: no limit.
   */
  createDevice(device: NewDevice, room: { readonly maxPerUser: number; readonly pendingMs: number }): Promise<boolean>;
  /**
   * Within so long after `createDevice`, by the store's clock. Of N callers one confirms (`true`); a confirmed, revoked or late one is not
   * confirmed. The challenge is forgotten.
   */
  confirmDevice(input: {
    readonly deviceId: DeviceId;
    readonly withinMs: number;
    readonly context: ActContext;
  }): Promise<boolean>;
  findDevice(deviceId: DeviceId): Promise<Device | undefined>;
  /** Confirmed and not revoked, newest first. */
  listDevices(userId: UserId): Promise<readonly Device[]>;
  /** Of the user's own, confirmed and not revoked. `trustedForMs`: from now by the store's clock; 0: no longer. False: there is none. */
  changeDevice(input: {
    readonly deviceId: DeviceId;
    readonly userId: UserId;
    readonly name?: string;
    readonly trustedForMs?: number;
  }): Promise<boolean>;
  /** A login on it: time by the store's clock, and whence. */
  noteDeviceSeen(deviceId: DeviceId, origin: Origin): Promise<void>;
  /** Of N callers one revokes. Its sessions are the caller's to end. */
  revokeDevice(deviceId: DeviceId, userId: UserId, context: ActContext): Promise<boolean>;
}

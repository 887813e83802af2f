/** What is sealed in every store, and under which names: a value may be carried from one store to another as it is. */
import type { DeviceId, SessionId } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { Origin } from './contracts/sessions.ts';

/** Where a sealed value belongs: it opens nowhere else. */
export const places = {
  origin: (sessionId: string) => ({ table: 'sessions', column: 'origin_sealed', row: sessionId }),
  phone: (userId: string) => ({ table: 'users', column: 'phone_sealed', row: userId }),
  deviceKey: (realmId: string, userId: string, deviceId: string) => ({
    table: 'devices',
    column: 'device_key_sealed',
    row: `${realmId}/${userId}/${deviceId}`,
  }),
  deviceOrigin: (deviceId: string) => ({ table: 'devices', column: 'origin_sealed', row: deviceId }),
} as const;

export const openOrigin = (sealed: unknown, sessionId: SessionId, sealer: Sealer): Origin =>
  typeof sealed === 'string'
    ? (JSON.parse(sealer.open(sealed, places.origin(sessionId)).toString('utf8')) as Origin)
    : {};

export const openDeviceOrigin = (sealed: unknown, deviceId: DeviceId, sealer: Sealer): Origin =>
  typeof sealed === 'string'
    ? (JSON.parse(sealer.open(sealed, places.deviceOrigin(deviceId)).toString('utf8')) as Origin)
    : {};

export const sealDeviceOrigin = (origin: Origin, deviceId: DeviceId, sealer: Sealer): string =>
  sealer.seal(JSON.stringify(origin), places.deviceOrigin(deviceId));

export const sealOrigin = (origin: Origin, sessionId: SessionId, sealer: Sealer): string =>
  sealer.seal(JSON.stringify(origin), places.origin(sessionId));

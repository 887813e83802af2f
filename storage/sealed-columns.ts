/** What is sealed in every store, and under which names: a value may be carried from one store to another as it is. */
import type { DeviceId, SessionId } from '@sallyport/contract';
import type { Sealer, SealPlace } from '@sallyport/kit/seal';
import type { SealedColumn } from './contracts/root-keys.ts';
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
  signingKey: (kid: string) => ({ table: 'signing_keys', column: 'private_key_sealed', row: kid }),
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

/** A row as far as the place of its value needs it; ids as text. */
export interface SealedRow {
  readonly id: string;
  readonly realmId?: string;
  readonly userId?: string;
}

interface ColumnOf {
  readonly table: string;
  readonly column: string;
  readonly key: 'id' | 'kid';
  readonly place: (row: SealedRow) => SealPlace;
}

/** Where each value stands, for whoever walks over all of them. */
export const columnsOf: Readonly<Record<SealedColumn, ColumnOf>> = {
  'signing_keys.private_key_sealed': {
    table: 'signing_keys',
    column: 'private_key_sealed',
    key: 'kid',
    place: ({ id }) => places.signingKey(id),
  },
  'users.phone_sealed': { table: 'users', column: 'phone_sealed', key: 'id', place: ({ id }) => places.phone(id) },
  'devices.device_key_sealed': {
    table: 'devices',
    column: 'device_key_sealed',
    key: 'id',
    place: ({ id, realmId = '', userId = '' }) => places.deviceKey(realmId, userId, id),
  },
  'devices.origin_sealed': {
    table: 'devices',
    column: 'origin_sealed',
    key: 'id',
    place: ({ id }) => places.deviceOrigin(id),
  },
};

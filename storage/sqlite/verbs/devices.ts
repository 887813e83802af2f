import type { DeviceId, RealmId, UserId } from '@sallyport/contract';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';
import type { Devices, NewDevice } from '../../contracts/devices.ts';
import type { Housekeeping } from '../../contracts/housekeeping.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';

export type SealedNewDevice = Omit<NewDevice, 'deviceKey'> &
  Parameters<Devices['createDevice']>[1] & { readonly deviceKeySealed: string };

/** One writer: what is counted here is what there is at the insert. */
const hasRoom = (tx: Transaction, { userId, maxPerUser, pendingMs }: SealedNewDevice): boolean => {
  if (maxPerUser === 0) return true;
  const row = tx.get(
    `SELECT count(*) AS count FROM devices WHERE user_id = ? AND revoked_at_ms IS NULL
      AND (confirmed_at_ms IS NOT NULL OR created_at_ms > ?)`,
    uuidToBytes(userId),
    tx.nowMs - pendingMs,
  );
  return Number(row?.['count']) < maxPerUser;
};

export const createDevice = (tx: Transaction, device: SealedNewDevice): boolean => {
  if (!hasRoom(tx, device)) return false;
  tx.run(
    `INSERT INTO devices (id, realm_id, user_id, name, curve, device_key_sealed, proof_key_thumbprint, proof_required, challenge, created_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    uuidToBytes(device.id),
    device.realmId,
    uuidToBytes(device.userId),
    device.name ?? null,
    device.curve,
    device.deviceKeySealed,
    device.proofKeyThumbprint ?? null,
    device.proofRequired ? 1 : 0,
    device.challenge,
    tx.nowMs,
  );
  return true;
};

const traceDevice = (
  tx: Transaction,
  row: SqlRow,
  act: 'device.registered' | 'device.revoked',
  context: ActContext,
): void =>
  appendEffect(tx, {
    act,
    realmId: row['realm_id'] as RealmId,
    userId: uuidFromBytes(row['user_id'] as Uint8Array) as UserId,
    data: { deviceId: uuidFromBytes(row['id'] as Uint8Array) },
    context,
  });

export const confirmDevice = (
  tx: Transaction,
  { deviceId, withinMs, context }: Parameters<Devices['confirmDevice']>[0],
): boolean => {
  const row = tx.get(
    `UPDATE devices SET confirmed_at_ms = ?, challenge = NULL
      WHERE id = ? AND confirmed_at_ms IS NULL AND revoked_at_ms IS NULL AND created_at_ms > ? RETURNING id, realm_id, user_id`,
    tx.nowMs,
    uuidToBytes(deviceId),
    tx.nowMs - withinMs,
  );
  if (row === undefined) return false;
  traceDevice(tx, row, 'device.registered', context);
  return true;
};

export const changeDevice = (
  tx: Transaction,
  { deviceId, userId, name, trustedForMs }: Parameters<Devices['changeDevice']>[0],
): boolean => {
  const trustedUntilMs = trustedForMs === undefined ? null : tx.nowMs + trustedForMs;
  const { changes } = tx.run(
    `UPDATE devices SET name = coalesce(?, name), trusted_until_ms = coalesce(?, trusted_until_ms)
      WHERE id = ? AND user_id = ? AND confirmed_at_ms IS NOT NULL AND revoked_at_ms IS NULL`,
    name ?? null,
    trustedUntilMs,
    uuidToBytes(deviceId),
    uuidToBytes(userId),
  );
  return changes === 1;
};

export const noteDeviceSeen = (
  tx: Transaction,
  { deviceId, originSealed }: { readonly deviceId: DeviceId; readonly originSealed: string },
): void => {
  tx.run(
    'UPDATE devices SET last_seen_at_ms = ?, origin_sealed = ? WHERE id = ?',
    tx.nowMs,
    originSealed,
    uuidToBytes(deviceId),
  );
};

export const removeDeadDevices = (
  tx: Transaction,
  { unconfirmedForMs, revokedForMs, limit }: Parameters<Housekeeping['removeDeadDevices']>[0],
): number =>
  tx.run(
    `DELETE FROM devices WHERE id IN (SELECT id FROM devices
      WHERE (confirmed_at_ms IS NULL AND created_at_ms <= ?) OR (revoked_at_ms IS NOT NULL AND revoked_at_ms <= ?) LIMIT ?)`,
    tx.nowMs - unconfirmedForMs,
    tx.nowMs - revokedForMs,
    limit,
  ).changes;

export const revokeDevice = (
  tx: Transaction,
  { deviceId, userId, context }: { readonly deviceId: DeviceId; readonly userId: UserId; readonly context: ActContext },
): boolean => {
  const row = tx.get(
    'UPDATE devices SET revoked_at_ms = ? WHERE id = ? AND user_id = ? AND revoked_at_ms IS NULL RETURNING id, realm_id, user_id',
    tx.nowMs,
    uuidToBytes(deviceId),
    uuidToBytes(userId),
  );
  if (row === undefined) return false;
  traceDevice(tx, row, 'device.revoked', context);
  return true;
};

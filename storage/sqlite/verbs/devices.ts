import type { DeviceId, RealmId, UserId } from '@sallyport/contract';
import { uuidFromBytes, uuidToBytes } from '@sallyport/kit/random';
import type { NewDevice } from '../../contracts/devices.ts';
import type { ActContext } from '../../contracts/store.ts';
import type { SqlRow, Transaction } from '../transaction.ts';
import { appendEffect } from './effects.ts';

export type SealedNewDevice = Omit<NewDevice, 'deviceKey'> & { readonly deviceKeySealed: string };

export const createDevice = (tx: Transaction, device: SealedNewDevice): void => {
  tx.run(
    `INSERT INTO devices (id, realm_id, user_id, name, curve, device_key_sealed, proof_required, created_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    uuidToBytes(device.id),
    device.realmId,
    uuidToBytes(device.userId),
    device.name ?? null,
    device.curve,
    device.deviceKeySealed,
    device.proofRequired ? 1 : 0,
    tx.nowMs,
  );
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
  { deviceId, context }: { readonly deviceId: DeviceId; readonly context: ActContext },
): boolean => {
  const row = tx.get(
    `UPDATE devices SET confirmed_at_ms = ? WHERE id = ? AND confirmed_at_ms IS NULL AND revoked_at_ms IS NULL
      RETURNING id, realm_id, user_id`,
    tx.nowMs,
    uuidToBytes(deviceId),
  );
  if (row === undefined) return false;
  traceDevice(tx, row, 'device.registered', context);
  return true;
};

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

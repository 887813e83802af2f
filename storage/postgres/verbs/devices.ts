import type { Devices } from '../../contracts/devices.ts';
import { sealDeviceOrigin, places as sealedPlaces } from '../../sealed-columns.ts';
import { byOf, byValues, type Driver } from '../driver.ts';
import { deviceColumns, deviceFromRow, listed } from '../rows.ts';

export const devices = ({ schema: s, sealer, read, write }: Driver): Devices => {
  const columns = listed(deviceColumns);
  const traced = (act: 'device.registered' | 'device.revoked', from: number): string =>
    `SELECT ${s}.append_effect('${act}', realm_id, user_id, NULL, json_build_object('deviceId', id), ${byOf(s, from)}) FROM done`;
  const create = `INSERT INTO ${s}.devices (id, realm_id, user_id, name, curve, device_key_sealed, proof_key_thumbprint, proof_required,
    challenge, created_at_ms)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8::boolean, $9::bytea, ${s}.now_ms() WHERE ${s}.has_room_for_device($3, $10, $11) RETURNING id`;
  const confirm = `WITH done AS (
    UPDATE ${s}.devices SET confirmed_at_ms = ${s}.now_ms(), challenge = NULL
    WHERE id = $1 AND confirmed_at_ms IS NULL AND revoked_at_ms IS NULL AND created_at_ms > ${s}.now_ms() - $2
    RETURNING id, realm_id, user_id) ${traced('device.registered', 3)}`;
  const change = `UPDATE ${s}.devices SET name = coalesce($3, name),
      trusted_until_ms = coalesce(${s}.now_ms() + $4::bigint, trusted_until_ms)
    WHERE id = $1 AND user_id = $2 AND confirmed_at_ms IS NOT NULL AND revoked_at_ms IS NULL RETURNING id`;
  const noteSeen = `UPDATE ${s}.devices SET last_seen_at_ms = ${s}.now_ms(), origin_sealed = $2 WHERE id = $1`;
  const revoke = `WITH done AS (
    UPDATE ${s}.devices SET revoked_at_ms = ${s}.now_ms() WHERE id = $1 AND user_id = $2 AND revoked_at_ms IS NULL
    RETURNING id, realm_id, user_id) ${traced('device.revoked', 3)}`;
  const find = `SELECT ${columns} FROM ${s}.devices WHERE id = $1`;
  const list = `SELECT ${columns} FROM ${s}.devices
    WHERE user_id = $1 AND confirmed_at_ms IS NOT NULL AND revoked_at_ms IS NULL ORDER BY created_at_ms DESC, id DESC`;
  return {
    createDevice: async ({ id, realmId, userId, name, curve, deviceKey, ...device }, { maxPerUser, pendingMs }) => {
      const { proofKeyThumbprint = null, proofRequired, challenge } = device;
      const sealed = sealer.seal(Buffer.from(deviceKey), sealedPlaces.deviceKey(realmId, userId, id));
      const created = await write(
        create,
        id,
        realmId,
        userId,
        name ?? null,
        curve,
        sealed,
        proofKeyThumbprint,
        proofRequired,
        challenge,
        maxPerUser,
        pendingMs,
      );
      return created.length === 1;
    },
    confirmDevice: async ({ deviceId, withinMs, context }) =>
      (await write(confirm, deviceId, withinMs, ...byValues(context))).length === 1,
    findDevice: async (deviceId) => {
      const [row] = await read(find, deviceId);
      return row && deviceFromRow(row, sealer);
    },
    listDevices: async (userId) => (await read(list, userId)).map((row) => deviceFromRow(row, sealer)),
    changeDevice: async ({ deviceId, userId, name = null, trustedForMs = null }) =>
      (await write(change, deviceId, userId, name, trustedForMs)).length === 1,
    noteDeviceSeen: async (deviceId, origin) => {
      await write(noteSeen, deviceId, sealDeviceOrigin(origin, deviceId, sealer));
    },
    revokeDevice: async (deviceId, userId, context) =>
      (await write(revoke, deviceId, userId, ...byValues(context))).length === 1,
  };
};

/** The doors of devices: register one, confirm it, list, name, remember and revoke. Translates, nothing else. */
import { isDeviceId, Problem } from '@sallyport/contract';
import { decode } from '@sallyport/kit/base64url';
import type { Device, DeviceCurve, Devices } from '@sallyport/storage/contracts/devices';
import type { AuthSettings } from '../config.ts';
import { refusedPassword } from '../factors/factor.ts';
import type { BearerHandler, OpenHandler } from '../route.ts';
import type { createConfirmDevice } from './confirm-device.ts';
import type { createRegisterDevice } from './register-device.ts';
import type { RevokeDevice } from './revoke-device.ts';

export interface DevicesHttpOptions {
  readonly registerDevice: ReturnType<typeof createRegisterDevice>;
  readonly confirmDevice: ReturnType<typeof createConfirmDevice>;
  readonly revokeDevice: RevokeDevice;
  readonly devices: Pick<Devices, 'listDevices' | 'changeDevice'>;
  readonly settings: Pick<AuthSettings, 'messageTexts'>;
}

const dayMs = 86_400_000;

type Doors = Readonly<Record<'registerDevice' | 'confirmDevice', OpenHandler>> &
  Readonly<Record<'listDevices' | 'changeDevice' | 'revokeDevice' | 'revokeOtherDevices', BearerHandler>>;

export const createDevicesHttp = (options: DevicesHttpOptions): Doors => {
  const { devices, revokeDevice } = options;
  const { messageTexts } = options.settings;
  return {
    registerDevice: async ({ body, proof, origin, context, noteUser }) => {
      const text = (name: string): string | undefined =>
        typeof body[name] === 'string' && body[name] !== '' ? body[name] : undefined;
      const [phoneNumber, displayName, deviceName] = ['phone_number', 'display_name', 'device_name'].map(text);
      const outcome = await options.registerDevice({
        username: String(body['username']),
        password: String(body['password']),
        ...(phoneNumber !== undefined && { phoneNumber }),
        ...(displayName !== undefined && { displayName }),
        ...(deviceName !== undefined && { deviceName }),
        curve: body['curve'] as DeviceCurve,
        clientPublicKey: decode(String(body['client_public_key'])) ?? new Uint8Array(),
        ...(proof !== undefined && { proof }),
        ...(body['refresh_proof'] !== undefined && { refreshProof: body['refresh_proof'] as 'required' | 'optional' }),
        origin,
        context,
      });
      switch (outcome.kind) {
        case 'begun':
          noteUser(outcome.userId);
          return {
            status: 201,
            body: {
              device_id: outcome.deviceId,
              curve: body['curve'],
              server_public_key: outcome.serverPublicKey.toString('base64url'),
              server_mac: outcome.serverMac.toString('base64url'),
              server_signature: outcome.serverSignature.toString('base64url'),
              is_new_user: outcome.isNewUser,
            },
          };
        case 'refused':
          throw new Problem('credentials_invalid');
        case 'too_many':
          throw new Problem('device_limit_reached', { params: { limit: outcome.limit } });
        case 'key_refused':
          throw new Problem('device_key_invalid');
        case 'proof_refused':
          throw new Problem(outcome.code);
        case 'name_refused':
          throw new Problem(outcome.code, { fields: [{ path: '/username', code: outcome.code }] });
        case 'password_refused':
          throw refusedPassword(outcome.problem, '/password');
      }
    },
    confirmDevice: async ({ body, context }) => {
      const mac = decode(String(body['client_mac'])) ?? new Uint8Array();
      if (!(await options.confirmDevice(String(body['device_id']), mac, context)))
        throw new Problem('credentials_invalid');
      return { status: 200, body: { message: messageTexts.deviceConfirmed } };
    },
    listDevices: async ({ caller: { user, session } }) => {
      const all = await devices.listDevices(user.id);
      return { status: 200, body: { devices: all.map((one) => deviceView(one, one.id === session.deviceId)) } };
    },
    changeDevice: async ({ body, params, caller }) => {
      const { id: deviceId } = params;
      const { name, trusted_for_days: days } = body;
      // Whoever has a session remembers the device that it is on, and no other.
      if (days !== undefined && deviceId !== caller.session.deviceId) throw new Problem('permission_denied');
      const changed =
        isDeviceId(deviceId) &&
        (await devices.changeDevice({
          deviceId,
          userId: caller.user.id,
          ...(typeof name === 'string' && { name }),
          ...(typeof days === 'number' && { trustedForMs: days * dayMs }),
        }));
      if (!changed) throw new Problem('device_unknown');
      return { status: 200, body: { message: messageTexts.deviceChanged } };
    },
    revokeDevice: async ({ params, caller, context }) => {
      const { id: deviceId } = params;
      // Somebody else's and one that never was give the same answer.
      if (!isDeviceId(deviceId) || !(await revokeDevice.revoke(caller.user, deviceId, context)))
        throw new Problem('device_unknown');
      return { status: 200, body: { message: messageTexts.deviceRevoked } };
    },
    revokeOtherDevices: async ({ caller: { user, session }, context }) => {
      const revoked = await revokeDevice.revokeOthers(user, session.deviceId, context);
      return { status: 200, body: { message: messageTexts.otherDevicesRevoked, revoked } };
    },
  };
};

const isoTime = (ms: number): string => new Date(ms).toISOString();

const deviceView = (device: Device, current: boolean): object => {
  const { address, userAgent, deviceInfo } = device.origin();
  return {
    id: device.id,
    ...(device.name !== undefined && { name: device.name }),
    curve: device.curve,
    current,
    created_at: isoTime(device.createdAtMs),
    ...(device.lastSeenAtMs !== undefined && { last_seen_at: isoTime(device.lastSeenAtMs) }),
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { user_agent: userAgent }),
    ...(deviceInfo !== undefined && { device_info: deviceInfo }),
    ...(device.proofKeyThumbprint !== undefined && {
      refresh_proof: device.proofRequired ? 'required' : 'optional',
    }),
    ...(device.trustedUntilMs !== undefined && { trusted_until: isoTime(device.trustedUntilMs) }),
  };
};

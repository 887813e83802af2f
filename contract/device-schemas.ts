/** What is said of devices: the two steps of a registration, the proof of a login, and the list. */
import { Type } from 'typebox';
import { closed, limits, oneLine, password, profileFields } from './field-schemas.ts';

/** A name that stands between colons in what is signed. */
export const signedUsername = Type.String({ pattern: '^[^:\\p{Cc}\\p{Cs}]+$', maxLength: limits.usernameLength });
const deviceId = Type.String({ pattern: '^[A-Za-z0-9._-]{1,128}$' });
const mac = Type.String({ maxLength: 128, secret: true });
export const deviceProof = {
  device_id: deviceId,
  timestamp: Type.String({ pattern: '^[0-9]{1,16}$', description: 'milliseconds' }),
  nonce: Type.String({ pattern: '^[A-Za-z0-9._-]{16,128}$' }),
  session_id: mac,
  device_signature: mac,
  device_info: Type.Optional(Type.String({ ...oneLine, maxLength: limits.deviceInfoLength })),
  ip_address: Type.Optional(
    Type.String({ maxLength: 100, description: 'ignored: the address is what the server saw' }),
  ),
};

export const registerDeviceBody = Type.Object(
  {
    username: signedUsername,
    password,
    phone_number: Type.Optional(profileFields.phone_number),
    display_name: Type.Optional(profileFields.display_name),
    device_name: Type.Optional(Type.String({ ...oneLine, maxLength: limits.deviceNameLength })),
    curve: Type.Union([Type.Literal('X25519'), Type.Literal('P-256')]),
    client_public_key: Type.String({ maxLength: 128, description: 'base64url' }),
    refresh_proof: Type.Optional(
      Type.Union([Type.Literal('required'), Type.Literal('optional')], {
        description:
          'whether a refresh without proof of the second key (the one of the `DPoP` header) changes nothing; fixed from now on. Default with that header: `required`',
      }),
    ),
  },
  closed,
);
export const confirmDeviceBody = Type.Object({ device_id: deviceId, client_mac: mac }, closed);
export const changeDeviceBody = Type.Object(
  {
    name: Type.Optional(Type.String({ ...oneLine, minLength: 1, maxLength: limits.deviceNameLength })),
    trusted_for_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 365 })),
  },
  closed,
);
export const deviceParams = Type.Object({ id: deviceId }, closed);

export const deviceSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.Optional(Type.String()),
    curve: Type.String(),
    current: Type.Boolean({ description: 'true for the device that asks' }),
    created_at: Type.String({ format: 'date-time' }),
    last_seen_at: Type.Optional(Type.String({ format: 'date-time' })),
    address: Type.Optional(Type.String()),
    user_agent: Type.Optional(Type.String()),
    device_info: Type.Optional(Type.String()),
    trusted_until: Type.Optional(Type.String({ format: 'date-time' })),
    refresh_proof: Type.Optional(
      Type.Union([Type.Literal('required'), Type.Literal('optional')], {
        description: 'of a device with a second key, which its tokens are bound to',
      }),
    ),
  },
  { ...closed, title: 'Device' },
);

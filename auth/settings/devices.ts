/** Logins from registered devices. */
import { durationSetting, integerSetting } from '@sallyport/kit/config';

export const devicesSettings = {
  deviceLoginWindowSeconds: durationSetting({
    env: 'DEVICE_LOGIN_WINDOW_SECONDS',
    unit: 'seconds',
    min: 5,
    max: 3600,
    default: 300,
    doc: "How far a device's clock may be from the issuer's, either way, at a login.",
  }),
  devicesPerUser: integerSetting({
    env: 'DEVICES_PER_USER',
    min: 0,
    max: 10_000,
    default: 50,
    doc: 'Registered devices of a user, with those that are just being registered; beyond, 409 until one is revoked. 0: no limit.',
  }),
  refreshLimitPerHour: integerSetting({
    env: 'REFRESH_LIMIT_PER_HOUR',
    min: 0,
    max: 1000,
    default: 0,
    doc: 'Refreshes of one device in any hour; beyond, 429 with Retry-After. 0: no limit.',
  }),
};

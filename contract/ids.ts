/** Branded ids: UUIDv7, lower-case text outside the stores, never a secret, never reused (RFC 9562). */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type RealmId = Brand<string, 'RealmId'>;
export type UserId = Brand<string, 'UserId'>;
export type SessionId = Brand<string, 'SessionId'>;
export type DeviceId = Brand<string, 'DeviceId'>;

/** The realm that everything belongs to until a second one is served. */
export const defaultRealm = 'main' as RealmId;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** True for the one spelling that Sallyport accepts: lower-case, hyphenated, RFC 9562 variant. */
export const isUuid = (value: unknown): value is string => typeof value === 'string' && uuidPattern.test(value);

export const isUserId = (value: unknown): value is UserId => isUuid(value);
export const isSessionId = (value: unknown): value is SessionId => isUuid(value);
export const isDeviceId = (value: unknown): value is DeviceId => isUuid(value);

import { isIP } from 'node:net';
import { type AssertionClaims, assertionLifetimeSeconds, assertionVersion, isUuid } from '@sallyport/contract';
import { isNumericDate } from '../access/claims.ts';
import { isSafeName, isSafeText } from '../access/safe-text.ts';

type Payload = Readonly<Record<string, unknown>>;

/** UUIDv7 has its version at this place (RFC 9562 §5.7). */
const isUuidV7 = (value: unknown): boolean => isUuid(value) && value[14] === '7';
const isNames = (value: unknown): boolean => Array.isArray(value) && value.every(isSafeName);
const isLifetime = ({ iat, exp }: Payload): boolean =>
  isNumericDate(iat) && isNumericDate(exp) && exp === iat + assertionLifetimeSeconds;
const isConfirmation = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && isSafeName((value as Payload)['jkt']);

const required: readonly (readonly [name: string, fits: (value: unknown) => boolean])[] = [
  ['iss', isSafeName],
  ['aud', isSafeName],
  ['jti', isUuidV7],
  ['cip', (value) => typeof value === 'string' && isIP(value) !== 0],
  ['mth', isSafeName],
  ['pth', isSafeName],
];

const identity: readonly (readonly [name: string, fits: (value: unknown) => boolean])[] = [
  ['sub', isSafeName],
  ['tis', isSafeName],
  ['email', isSafeText],
  ['name', isSafeText],
  ['roles', isNames],
  ['permissions', isNames],
  ['sid', isSafeName],
  ['uep', (value) => Number.isSafeInteger(value)],
  ['device_id', isSafeName],
  ['amr', isNames],
  ['auth_time', isNumericDate],
  ['cnf', isConfirmation],
];

/** Nobody and somebody exclude each other: `anon` carries no identity claim, everyone else has a `sub`. */
const isOneOfTwo = (payload: Payload): boolean =>
  payload['anon'] === undefined
    ? payload['sub'] !== undefined
    : payload['anon'] === true && identity.every(([name]) => payload[name] === undefined);

/** The form of an assertion's claims. True also promises `exp` = `iat` + 30. */
export const isAssertionClaims = (payload: Payload): payload is AssertionClaims & Payload =>
  payload['ver'] === assertionVersion &&
  isLifetime(payload) &&
  required.every(([name, fits]) => fits(payload[name])) &&
  identity.every(([name, fits]) => payload[name] === undefined || fits(payload[name])) &&
  isOneOfTwo(payload);

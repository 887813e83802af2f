import type { AccessTokenClaims } from '@sallyport/contract';
import { normaliseList } from './lists.ts';
import type { IssuerPolicy } from './policy.ts';
import type { RefusalReason } from './refusal.ts';
import { isSafeName, isSafeText } from './safe-text.ts';

type Payload = Readonly<Record<string, unknown>>;

/** 9999-12-31T23:59:59Z: no later instant has a four-digit year. */
const latestSeconds = 253_402_300_799;

/** RFC 7519 §2, NumericDate: a JSON number. 1e999 parses to Infinity and is refused here. */
export const isNumericDate = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= latestSeconds;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isNameList = (value: unknown): boolean => Array.isArray(value) && value.every(isSafeName);
const isNames = (value: unknown): boolean => isSafeName(value) || isNameList(value);
const isConfirmation = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  ((value as Payload)['jkt'] === undefined || isSafeName((value as Payload)['jkt']));

/** The form of every claim we know. Names become headers at the gateway, so none may hold a control character. */
const forms: readonly (readonly [name: string, fits: (value: unknown) => boolean])[] = [
  ['exp', isNumericDate],
  ['iat', isNumericDate],
  ['nbf', isNumericDate],
  ['auth_time', isNumericDate],
  ['sub', isSafeName],
  ['aud', isNames],
  ['client_id', isSafeName],
  ['jti', isSafeName],
  ['sid', isSafeName],
  ['uep', isCount],
  ['scope', isSafeText],
  ['amr', isNameList],
  ['acr', isSafeName],
  ['cnf', isConfirmation],
  ['user_id', isSafeName],
  ['email', isSafeText],
  ['name', isSafeText],
  ['role', isSafeText],
  ['device_id', isSafeName],
];

/** RFC 9068 §2.2 requires iss, exp, aud, sub, iat, jti; `sid` is Sallyport's own. */
const isMissing = (payload: Payload, { legacy, isLegacy }: IssuerPolicy): boolean =>
  payload['exp'] === undefined ||
  payload['iat'] === undefined ||
  (payload['sub'] === undefined && !(isLegacy && payload['user_id'] !== undefined)) ||
  (payload['jti'] === undefined && !legacy.allowMissingJti) ||
  (payload['sid'] === undefined && !legacy.allowMissingSid) ||
  (payload['aud'] === undefined && !legacy.allowMissingAudience);

/** RFC 7519 §4.1.3: a principal that does not find itself in `aud` MUST reject the token. */
const isForUs = (aud: unknown, { audience }: IssuerPolicy): boolean =>
  aud === undefined || [aud].flat().some((name) => audience.includes(name as string));

const freezeDeep = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) freezeDeep(member);
    Object.freeze(value);
  }
  return value;
};

/** Checks and normalises the claims of a payload whose signature and `iss` have been checked. Time is not judged here. */
export const checkClaims = (payload: Payload, policy: IssuerPolicy): AccessTokenClaims | RefusalReason => {
  if (isMissing(payload, policy)) return 'claim_missing';
  for (const [name, fits] of forms) {
    const value = payload[name];
    if (value !== undefined && !fits(value)) return 'claim_malformed';
  }
  if (!isForUs(payload['aud'], policy)) return 'audience';
  const { sub, user_id: userId } = payload;
  // Our own issuer writes one user under both names; two would be revoked under one and served under the other.
  if (sub !== undefined && userId !== undefined && sub !== userId && !policy.isLegacy) return 'claim_conflict';
  const claims: Record<string, unknown> = { ...payload, sub: sub ?? userId };
  for (const name of ['roles', 'permissions']) {
    if (payload[name] === undefined) continue;
    const list = normaliseList(payload[name]);
    if (!list?.every(isSafeName)) return 'claim_malformed';
    claims[name] = list;
  }
  return freezeDeep(claims) as unknown as AccessTokenClaims;
};

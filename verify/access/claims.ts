import type { AccessTokenClaims } from '@sallyport/contract';
import { normaliseList } from './lists.ts';
import type { IssuerPolicy } from './policy.ts';
import type { RefusalReason } from './refusal.ts';
import { isSafeName, isSafeText } from './safe-text.ts';

type Payload = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

/** 9999-12-31T23:59:59Z: no later instant has a four-digit year. */
const latestSeconds = 253_402_300_799;

/** RFC 7519 §2, NumericDate: a JSON number. 1e999 parses to Infinity and is refused here. */
export const isNumericDate = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= latestSeconds;

const isText = (value: unknown): boolean => typeof value === 'string';
const isFilled = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isConfirmation = (value: unknown, name: Check): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && fits((value as Payload)['jkt'], name);

const fits = (value: unknown, check: Check): boolean => value === undefined || check(value);
const fitsList = (value: unknown, name: Check): boolean =>
  value === undefined || (Array.isArray(value) && value.every(name));

/** The form of every claim we know; `text` and `name` are the checks of strings. Written out: a table costs 1 us a token. */
const haveForm = (payload: Payload, text: Check, name: Check): boolean =>
  isNumericDate(payload['exp']) &&
  isNumericDate(payload['iat']) &&
  fits(payload['nbf'], isNumericDate) &&
  fits(payload['auth_time'], isNumericDate) &&
  fits(payload['uep'], isCount) &&
  fits(payload['sub'], name) &&
  fits(payload['user_id'], name) &&
  fits(payload['client_id'], name) &&
  fits(payload['jti'], name) &&
  fits(payload['sid'], name) &&
  fits(payload['acr'], name) &&
  fits(payload['device_id'], name) &&
  fits(payload['email'], text) &&
  fits(payload['name'], text) &&
  fits(payload['role'], text) &&
  fits(payload['scope'], text) &&
  fitsList(payload['amr'], name) &&
  (typeof payload['aud'] === 'string' ? name(payload['aud']) : fitsList(payload['aud'], name)) &&
  (payload['cnf'] === undefined || isConfirmation(payload['cnf'], name));

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
  aud === undefined ||
  (Array.isArray(aud) ? aud.some((name) => audience.includes(name)) : audience.includes(aud as string));

/** Older issuers number their users; from here on every id is text. */
const writeIdAsText = (payload: Record<string, unknown>): void => {
  const { user_id: id } = payload;
  if (isCount(id)) payload['user_id'] = String(id);
};

/** Puts normalised lists in place. False when one cannot be. */
const normaliseLists = (payload: Record<string, unknown>, plain: boolean): boolean => {
  for (const claim of ['roles', 'permissions']) {
    if (payload[claim] === undefined) continue;
    const list = normaliseList(payload[claim]);
    if (!list || !(plain || list.every(isSafeName))) return false;
    payload[claim] = Object.freeze(list);
  }
  return true;
};

/**
 * Checks the claims of a payload whose signature and `iss` have been checked, normalises them in place and freezes them.
 * Time is not judged here.
 * @param plain every string of the payload is known to be printable ASCII
 */
export const checkClaims = (
  payload: Record<string, unknown>,
  plain: boolean,
  policy: IssuerPolicy,
): AccessTokenClaims | RefusalReason => {
  if (isMissing(payload, policy)) return 'claim_missing';
  if (policy.isLegacy) writeIdAsText(payload);
  // Names become headers at the gateway, so no string may hold a control character; a plain payload has none anyway.
  const formed = plain ? haveForm(payload, isText, isFilled) : haveForm(payload, isSafeText, isSafeName);
  if (!formed) return 'claim_malformed';
  if (!isForUs(payload['aud'], policy)) return 'audience';
  const { sub, user_id: userId } = payload;
  // Our own issuer writes one user under both names; two would be revoked under one and served under the other.
  if (sub !== undefined && userId !== undefined && sub !== userId && !policy.isLegacy) return 'claim_conflict';
  if (!normaliseLists(payload, plain)) return 'claim_malformed';
  // An older issuer may write an e-mail or a name into `sub`: the id is `user_id`, and is what revocations name.
  if (userId !== undefined) payload['sub'] = userId;
  return Object.freeze(payload) as unknown as AccessTokenClaims;
};

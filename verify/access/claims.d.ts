import type { AccessTokenClaims } from '@sallyport/contract';
import type { IssuerPolicy } from './policy.ts';
import type { RefusalReason } from './refusal.ts';
type Payload = Readonly<Record<string, unknown>>;
/** RFC 7519 §2, NumericDate: a JSON number. 1e999 parses to Infinity and is refused here. */
export declare const isNumericDate: (value: unknown) => value is number;
/** Freezes parsed JSON with everything in it. */
export declare const freezeDeep: <T extends object>(value: T) => T;
/**
 * Checks and normalises the claims of a payload whose signature and `iss` have been checked. Time is not judged here.
 * @param plain every string of the payload is known to be printable ASCII
 */
export declare const checkClaims: (payload: Payload, plain: boolean, policy: IssuerPolicy) => AccessTokenClaims | RefusalReason;
export {};

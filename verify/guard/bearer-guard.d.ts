import type { ErrorTexts } from '@sallyport/contract';
import type { AccessTokenVerifier } from '../access/verify-access-token.ts';
import { type Guard, type OnRefusal } from './guard.ts';
export interface BearerGuardOptions {
    readonly verifier: AccessTokenVerifier;
    /** The preset's literal texts. */
    readonly texts?: ErrorTexts;
    /** Routes that need no token, such as `GET /health`. Default none. */
    readonly unguarded?: readonly string[];
    readonly onRefusal?: OnRefusal;
}
/**
 * A guard for services that verify access tokens themselves, without a gateway. Refuses with `token_missing`,
 * `authorization_malformed`, or the verifier's code.
 * @throws TypeError for a misspelt option or a route of another form
 */
export declare const createBearerGuard: (given: BearerGuardOptions) => Guard;

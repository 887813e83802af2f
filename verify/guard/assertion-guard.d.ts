import { type ErrorTexts } from '@sallyport/contract';
import { type AssertionKey, type AssertionVerifierOptions } from '../assertions/verify-assertion.ts';
import { type Guard, type OnRefusal } from './guard.ts';
export interface GuardOptions extends Omit<AssertionVerifierOptions, 'keys'> {
    /** The service's keys; or `env`. */
    readonly keys?: readonly AssertionKey[];
    /** Usually `process.env`: `GATEWAY_ASSERTION_KEYS` or `GATEWAY_ASSERTION_KEYS_FILE` is read from it. */
    readonly env?: Readonly<Record<string, string | undefined>>;
    /** The preset's literal texts. */
    readonly texts?: ErrorTexts;
    /** Routes that admit callers whom nobody has identified. The gateway's assertion is needed there too. Default none. */
    readonly public?: readonly string[];
    /** Routes that need no assertion at all, such as `GET /health`. Default none. */
    readonly unguarded?: readonly string[];
    readonly onRefusal?: OnRefusal;
}
/**
 * A guard for services behind the gateway, strict: the signed assertion is the one thing it believes. None: 401
 * `assertion_missing`; several, or a wrong one: 401 `assertion_invalid`; one used again: 401 `assertion_replayed`.
 * Routes are written `/path`, `GET /path`, `/path/*`.
 * @throws TypeError for a misspelt option, a route of another form, or missing keys
 */
export declare const createGuard: (given: GuardOptions) => Guard;

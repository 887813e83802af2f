import { type Anonymous, type Identity } from '../guard/identity.ts';
import { type CompactFailure } from '../jws/parse-compact.ts';
/**
 * Assertions say who calls, judged by the gateway, for one service, one method, one target and 30 seconds. They are
 * judged here and nowhere else. The verifier reads no other header and holds its own service's keys only.
 */
export interface AssertionKey {
    readonly kid: string;
    /** 32 bytes: `assertionKey(master, service)`. */
    readonly key: Uint8Array;
}
export interface AssertionVerifierOptions {
    /** The service's id, compared with `aud`. */
    readonly service: string;
    /** The service's GATEWAY_ASSERTION_KEYS. */
    readonly keys: readonly AssertionKey[];
    /** The gateway's id. Default `gateway`. */
    readonly issuer?: string;
    readonly clock?: {
        nowMs(): number;
    };
    /** Whole seconds. Default 30. */
    readonly leewaySeconds?: number;
    readonly replay?: {
        /** At least lifetime + twice the leeway, or an assertion could outlive its memory. Default 90. */
        readonly ttlSeconds?: number;
        /** Unsafe requests within `ttlSeconds`; beyond, they are refused. Default 262,144. */
        readonly maxEntries?: number;
    };
}
export interface AssertionTarget {
    readonly method: string;
    /** Path and query exactly as received on the wire. */
    readonly target: string;
}
export type AssertionReason = CompactFailure | 'absent' | 'header' | 'algorithm' | 'type' | 'key_unknown' | 'signature' | 'claims' | 'issuer' | 'audience' | 'expired' | 'not_yet_valid' | 'method' | 'target' | 'replayed' | 'replay_memory_full';
export type AssertionVerification = {
    readonly ok: true;
    readonly identity: Identity | Anonymous;
} | {
    readonly ok: false;
    /** `busy`: the memory of used assertions is full. */
    readonly code: 'assertion_missing' | 'assertion_invalid' | 'assertion_replayed' | 'busy';
    readonly reason: AssertionReason;
};
export interface AssertionVerifier {
    /** Synchronous; never throws because of the assertion. For unsafe methods a second call with one assertion is refused. */
    verify(assertion: string | undefined, request: AssertionTarget): AssertionVerification;
    readonly replayEntries: number;
}
/**
 * Verifies what stands in `X-Gateway-Assertion`.
 * @throws TypeError for a misspelt or missing option, keys of another length than 32, or a replay memory that forgets too soon
 */
export declare const createAssertionVerifier: (given: AssertionVerifierOptions) => AssertionVerifier;

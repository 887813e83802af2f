/**
 * Guards stand before a service's handlers and say who calls. A guard reads one header, never the readable identity
 * headers (`x-user-*` and the like), which anyone can write; adapters hide those from handlers besides. Adapters only
 * translate: what is decided is decided here.
 */
import { type ErrorCode, type ErrorTexts } from '@sallyport/contract';
import { type Answer } from './answer.ts';
import type { Anonymous, Identity } from './identity.ts';
/** Nobody (undefined) only on unguarded routes. */
export type Caller = Identity | Anonymous | undefined;
export interface GuardRequest {
    readonly method: string;
    /** Path and query exactly as received on the wire. */
    readonly target: string;
    /** Every value of a header, one item for each line on the wire. Lower-case name. */
    values(name: string): readonly string[];
}
export type GuardDecision = {
    readonly pass: true;
    readonly caller: Caller;
} | {
    readonly pass: false;
    readonly answer: Answer;
};
export interface Guard {
    check(request: GuardRequest): GuardDecision | Promise<GuardDecision>;
}
/** Told of every refusal, for metrics and log. `reason` is of a closed list and holds nothing of the request. */
export type OnRefusal = (code: ErrorCode, reason: string) => void;
/** Makes refusals of one guard. */
export declare const refusals: (texts: ErrorTexts | undefined, onRefusal: OnRefusal | undefined) => ((code: ErrorCode, reason: string) => GuardDecision);

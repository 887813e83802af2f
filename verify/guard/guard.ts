/**
 * Guards stand before a service's handlers and say who calls. A guard reads one header, never the readable identity
 * headers (`x-user-*` and the like), which anyone can write; adapters hide those from handlers besides. Adapters only
 * translate: what is decided is decided here.
 */
import { type ErrorCode, type ErrorTexts, Problem } from '@sallyport/contract';
import { type Answer, problemAnswer } from './answer.ts';
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

export type GuardDecision =
  | { readonly pass: true; readonly caller: Caller }
  | { readonly pass: false; readonly answer: Answer };

export interface Guard {
  check(request: GuardRequest): GuardDecision | Promise<GuardDecision>;
}

/**
 * Called by every adapter as it is set up: type stripping checks no types, and a plugin that is registered wrongly would otherwise
 * guard nothing and say nothing.
 * @throws TypeError
 */
export const assertGuard = (guard: Guard): void => {
  if (typeof guard?.check !== 'function') {
    throw new TypeError('not a guard: pass what createGuard or createBearerGuard returned');
  }
};

/** Told of every refusal, for metrics and log. `reason` is of a closed list and holds nothing of the request. */
export type OnRefusal = (code: ErrorCode, reason: string) => void;

export type Refuse = (code: ErrorCode, reason: string) => GuardDecision;

/** Makes refusals of one guard. */
export const refusals = (texts: ErrorTexts | undefined, onRefusal: OnRefusal | undefined): Refuse => {
  const frozen = Object.freeze({ ...texts });
  return (code: ErrorCode, reason: string): GuardDecision => {
    onRefusal?.(code, reason);
    return { pass: false, answer: problemAnswer(new Problem(code), frozen) };
  };
};

import type { PlainVerification, PlainVerifier } from '../plain/plain-signature.ts';

/**
 * What a guard behind the gateway believes. `strict`: a valid assertion alone. `transition`: where no assertion has come, also the
 * plain signature, until a date that has to be named; from then on as `strict`. `plain`: the plain signature alone.
 */
export const guardModes = ['strict', 'transition', 'plain'] as const;
export type GuardMode = (typeof guardModes)[number];

export interface Transition {
  /** Whether the plain signature still counts. */
  isOpen(): boolean;
  readonly endsAt: string;
}

const dayMs = 86_400_000;
/** A transition without an end would be the mode `plain` by another name. */
const maxTransitionDays = 366;
const dateForm = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}Z)?$/;

/** @param until `2027-03-31` (its first instant, UTC) or `2027-03-31T12:00:00Z`. @throws TypeError for anything else or too late a date */
export const createTransition = (until: string | undefined, nowMs: () => number): Transition => {
  if (until === undefined)
    throw new TypeError('createGuard: mode "transition" needs transitionUntil, the date it ends');
  const untilMs = dateForm.test(until) ? Date.parse(until) : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  if (!Number.isFinite(untilMs) || new Date(untilMs).toISOString().slice(0, 10) !== until.slice(0, 10)) {
    throw new TypeError('createGuard: transitionUntil is a date such as 2027-03-31, or 2027-03-31T12:00:00Z');
  }
  if (untilMs > nowMs() + maxTransitionDays * dayMs) {
    throw new TypeError(`createGuard: transitionUntil is more than ${maxTransitionDays} days ahead`);
  }
  return Object.freeze({ isOpen: () => nowMs() < untilMs, endsAt: new Date(untilMs).toISOString() });
};

export interface PlainDoor {
  /** Undefined: the door is shut, only an assertion counts. */
  judge(values: (name: string) => readonly string[]): PlainVerification | undefined;
  readonly accepted: number;
}

export interface PlainDoorParts {
  readonly verify: PlainVerifier;
  /** Undefined: open for ever. */
  readonly transition: Transition | undefined;
  readonly onPlain: (() => void) | undefined;
  readonly warn: (text: string) => void;
}

const endedText = ({ endsAt }: Transition): string =>
  `the transition ended at ${endsAt}: only assertions are accepted, as in mode "strict"`;

/** Judges and counts plain signatures, and says once that it has shut. */
export const createPlainDoor = ({ verify, transition, onPlain, warn }: PlainDoorParts): PlainDoor => {
  let accepted = 0;
  let hasSaidSo = false;
  const hasEnded = (): boolean => {
    // Shut for good: a clock that is set back opens nothing.
    if (hasSaidSo) return true;
    if (transition === undefined || transition.isOpen()) return false;
    warn(endedText(transition));
    hasSaidSo = true;
    return true;
  };
  if (!hasEnded()) {
    const until = transition === undefined ? '' : ` until ${transition.endsAt}`;
    warn(`the plain signature is accepted${until}: it never expires and covers neither method nor path nor roles`);
  }
  return {
    judge: (values) => {
      if (hasEnded()) return undefined;
      const verified = verify(values);
      if (verified.ok) {
        accepted += 1;
        onPlain?.();
      }
      return verified;
    },
    get accepted() {
      return accepted;
    },
  };
};

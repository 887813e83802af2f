import type { SignedOutCause } from './signed-out-cause.ts';

/** `unknown`: in cookie mode, before the issuer was asked whether the browser has a session. */
export type SessionState =
  | { readonly status: 'unknown' | 'signed_in' }
  | { readonly status: 'signed_out'; readonly cause: SignedOutCause };

/** `read`: true while there is a session, the cause where there is none, undefined where nobody knows. */
export const createSessionWatch = (read: () => true | SignedOutCause | undefined) => {
  const listeners = new Set<() => void>();
  let seen = read();
  let state = stateOf(seen);
  return {
    session: (): SessionState => state,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** Tells the listeners where something has changed. */
    look: (): void => {
      const now = read();
      if (now === seen) return;
      seen = now;
      state = stateOf(now);
      for (const tell of listeners) tell();
    },
  };
};

const stateOf = (seen: true | SignedOutCause | undefined): SessionState => {
  if (seen === undefined) return { status: 'unknown' };
  return seen === true ? { status: 'signed_in' } : { status: 'signed_out', cause: seen };
};

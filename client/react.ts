/**
 * @sallyport/client/react: the session of a token manager in React components (18 and newer). Not part of the other entry: whoever has no
 * React pays nothing for it.
 */
import { useEffect, useSyncExternalStore } from 'react';
import type { SessionState } from './session-state.ts';
import type { TokenManager } from './token-manager.ts';

export type { SessionState };

/** On a server nobody knows yet whether the browser has a session; hydration begins with the same. */
const unknown: SessionState = { status: 'unknown' };
const unknownThere = (): SessionState => unknown;

/**
 * Renders again when the session begins or ends, in this tab or by another one; a refresh of its tokens is no change. In cookie mode it asks
 * the issuer while the state is `unknown`, which it stays where nobody answers.
 */
export const useSession = (tokens: Pick<TokenManager, 'session' | 'subscribe' | 'checkAndRefresh'>): SessionState => {
  const session = useSyncExternalStore(tokens.subscribe, tokens.session, unknownThere);
  const isUnknown = session.status === 'unknown';
  useEffect(() => {
    if (isUnknown) void tokens.checkAndRefresh();
  }, [isUnknown, tokens]);
  return session;
};

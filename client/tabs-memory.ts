import type { KeyValueStorage } from './key-value-storage.ts';
import { randomId } from './random-id.ts';

/**
 * What the tabs of a browser share in cookie mode, where none of them can see the refresh token. Nothing in it opens anything: whoever
 * reads it learns that there is a session.
 */
export interface TabsMemory {
  /** Random, one for each login in this browser. Undefined: no session is known. */
  readSession(): string | undefined;
  /** A login: whatever session was before is over. Returns the new mark. */
  beginSession(): string;
  /** Ends that session for all tabs; another one, which a login elsewhere has begun meanwhile, stays. */
  endSession(mark: string | undefined): void;
  /** The user has logged out here, and the issuer does not know yet: its cookie would still be good. */
  owesLogout(): boolean;
  noteLogoutOwed(owed: boolean): void;
}

export const sessionKey = (name: string): string => `${name}.session`;
export const attemptKey = (name: string): string => `${name}.refresh_attempt`;
const owedKey = (name: string): string => `${name}.logout_owed`;

export const createTabsMemory = (storage: KeyValueStorage, name: string): TabsMemory => {
  const readSession = (): string | undefined => storage.getItem(sessionKey(name)) ?? undefined;
  return {
    readSession,
    beginSession: () => {
      const mark = randomId();
      storage.removeItem(attemptKey(name));
      storage.setItem(sessionKey(name), mark);
      return mark;
    },
    endSession: (mark) => {
      if (mark !== readSession()) return;
      storage.removeItem(attemptKey(name));
      storage.removeItem(sessionKey(name));
    },
    owesLogout: () => storage.getItem(owedKey(name)) !== null,
    noteLogoutOwed: (owed) => {
      if (owed) storage.setItem(owedKey(name), '1');
      else storage.removeItem(owedKey(name));
    },
  };
};

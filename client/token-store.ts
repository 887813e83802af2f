/**
 * Where tokens live. A store is synchronous and shared by whoever can see it: all tabs for localStorage, one page for memory. It never
 * refreshes, and never decides.
 */
import type { TabsMemory } from './tabs-memory.ts';

export interface StoredTokens {
  readonly accessToken: string;
  /** Absent in cookie mode: the browser keeps it where no script can read it. */
  readonly refreshToken?: string;
  /** Whole seconds since the epoch, by this client's clock. */
  readonly expiresAtSeconds: number;
  /** From the answer that brought it. Absent: not known, where somebody else has written the tokens. */
  readonly lifetimeSeconds?: number;
  /** CSRF token, where the issuer gives one. */
  readonly csrfToken?: string;
}

/** The attempt id of a refresh, kept before the call is made, for one refresh token (refresh.md, "Attempt id"). */
export interface RefreshAttempt {
  readonly id: string;
  /** The last characters of the refresh token that it belongs to. In cookie mode: when its answer came (epoch milliseconds), or empty. */
  readonly of: string;
}

/** What another tab did: it ended the session, or a login there began one (which replaces this tab's, if it had one). */
export type TabChange = 'signed_out' | 'signed_in';

export interface TokenStore {
  readTokens(): StoredTokens | undefined;
  writeTokens(tokens: StoredTokens): void;
  readAttempt(): RefreshAttempt | undefined;
  writeAttempt(attempt: RefreshAttempt): void;
  forgetAttempt(): void;
  /** Forgets the tokens; the attempt too, where no other tab needs it. */
  clear(): void;
  /** Tells what another tab did. Returns how to stop. */
  watch?(changed: (change: TabChange) => void): () => void;
  /** Cookie mode: what the tabs of a browser know of the session that they share. */
  readonly tabs?: TabsMemory;
}

/** One page, gone with it: for tests, Node, and pages that are never open twice. */
export const memoryStore = (): TokenStore => {
  let tokens: StoredTokens | undefined;
  let attempt: RefreshAttempt | undefined;
  return {
    readTokens: () => tokens,
    writeTokens: (next) => {
      tokens = next;
    },
    readAttempt: () => attempt,
    writeAttempt: (next) => {
      attempt = next;
    },
    forgetAttempt: () => {
      attempt = undefined;
    },
    clear: () => {
      tokens = undefined;
      attempt = undefined;
    },
  };
};

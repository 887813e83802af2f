import type { ProofKey } from './proof-key.ts';
import type { SignedOutCause } from './signed-out-cause.ts';
import type { TokenStore } from './token-store.ts';

export interface TokenManagerOptions {
  /** Where the issuer's routes are, for example `https://api.example.org/api/v1/auth`. No slash at the end. */
  readonly authUrl: string;
  readonly store: TokenStore;
  /** `body`: the refresh token travels in JSON. `cookie`: the browser keeps and sends it (`credentials: 'include'`). Default `body`. */
  readonly transport?: 'body' | 'cookie';
  /** Shown at each login and refresh; sessions of devices that were registered with it are bound to it. */
  readonly proofKey?: ProofKey;
  /** Default `refresh`. */
  readonly refreshPath?: string;
  /** One refresh or logout may take this long; then it counts as lost. Default 10,000. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Cookie mode: one tab refreshes at a time. Default `navigator.locks`; `null`: none. */
  readonly locks?: Pick<LockManager, 'request'> | null;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number;
  /** From 0 to 1, for jitter only. Default `Math.random`. */
  readonly jitter?: () => number;
  /** The session ended: by logout here or elsewhere, or because the issuer refused a refresh. */
  readonly onSignedOut?: (cause: SignedOutCause) => void;
  /** Another tab has signed in; `getAccessToken` gives this tab a token of that session. */
  readonly onSignedIn?: () => void;
}

const optional: Record<keyof Omit<TokenManagerOptions, 'authUrl' | 'store'>, true> = {
  transport: true,
  proofKey: true,
  refreshPath: true,
  timeoutMs: true,
  fetch: true,
  locks: true,
  now: true,
  jitter: true,
  onSignedOut: true,
  onSignedIn: true,
};

/** Copied and frozen, with defaults. @throws TypeError for a misspelt or missing option */
export const managerOptions = (given: TokenManagerOptions) => {
  for (const name of Object.keys(given)) {
    if (name !== 'authUrl' && name !== 'store' && !Object.hasOwn(optional, name))
      throw new TypeError(`createTokenManager: unknown option "${name}"`);
  }
  if (typeof given.authUrl !== 'string' || typeof given.store?.readTokens !== 'function')
    throw new TypeError('createTokenManager: authUrl and store are needed');
  const { transport = 'body', locks = globalThis.navigator?.locks ?? null, timeoutMs = 10_000 } = given;
  return Object.freeze({
    refreshPath: 'refresh',
    now: () => Date.now(),
    jitter: () => Math.random(),
    ...given,
    transport,
    timeoutMs,
    // In body mode each tab reads token and attempt together: there is nothing to wait for.
    locks: transport === 'cookie' && locks !== null ? locks : undefined,
    authUrl: given.authUrl.replace(/\/+$/, ''),
  });
};

import type { ErrorCode } from '@sallyport/contract';
import { ApiError, NetworkError, type SignedOutCause, SignedOutError } from './errors.ts';
import { type AnswerReader, readAnswer } from './read-answer.ts';
import type { RefreshAttempt, StoredTokens, TokenStore } from './token-store.ts';

export interface TokenManagerOptions {
  /** Where the issuer's routes are, for example `https://api.example.org/api/v1/auth`. No slash at the end. */
  readonly authUrl: string;
  readonly store: TokenStore;
  /** `body`: the refresh token travels in JSON. `cookie`: the browser keeps and sends it (`credentials: 'include'`). Default `body`. */
  readonly transport?: 'body' | 'cookie';
  /** Default `refresh`. */
  readonly refreshPath?: string;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number;
  /** From 0 to 1, for jitter only. Default `Math.random`. */
  readonly jitter?: () => number;
  /** The session ended: by logout here or elsewhere, or because the issuer refused a refresh. */
  readonly onSignedOut?: (cause: SignedOutCause) => void;
}

export interface TokenManager {
  /** Keeps the tokens of a login's answer. */
  saveTokens(tokens: {
    accessToken: string;
    refreshToken?: string;
    expiresInSeconds: number;
    csrfToken?: string;
  }): void;
  /** The access token, refreshed first when it is about to expire. Undefined: signed out. Throws NetworkError or ApiError where a needed refresh could not be made. */
  getAccessToken(): Promise<string | undefined>;
  /** The CSRF token of the last answer, where the issuer gives one. */
  csrfToken(): string | undefined;
  /** Refreshes now; callers at the same time share one call. `presented`: the access token that was refused; another one in the store is answered without a call. */
  refresh(presented?: string): Promise<string>;
  /** On load and now and then: refreshes when less than min(30 min, a quarter of the lifetime) remains. False: could not, tokens kept. */
  checkAndRefresh(): Promise<boolean>;
  /** Tells the issuer, then clears whatever it answered. */
  logout(): Promise<void>;
  /** Forgets the tokens without telling anybody. */
  clearTokens(): void;
  /** Stops watching other tabs. */
  close(): void;
}

const earliestMarginSeconds = 1800;
/** refresh.md: the SDK jitters its refresh by 10 %, so that a thief who calls in step is met. */
const jitterShare = 0.1;
const attemptTailLength = 16;

/** Keeps one session's tokens fresh: single flight, attempt ids, and no logout for anything but the issuer's word. */
export const createTokenManager = (options: TokenManagerOptions): TokenManager => {
  const { store, transport = 'body', refreshPath = 'refresh', now = Date.now, jitter = Math.random } = options;
  const authUrl = options.authUrl.replace(/\/+$/, '');
  const call: AnswerReader = readAnswer(options.fetch ?? globalThis.fetch.bind(globalThis));
  let flying: Promise<string> | undefined;
  let lifetimeSeconds = 0;

  const signOut = (cause: SignedOutCause): void => {
    store.clear();
    options.onSignedOut?.(cause);
  };

  const stopWatching = store.watch?.(() => {
    if (store.readTokens() === undefined) options.onSignedOut?.('signed_out_elsewhere');
  });

  const keep = (body: Readonly<Record<string, unknown>>, previous: StoredTokens | undefined): string => {
    const accessToken = String(body['access_token']);
    lifetimeSeconds = Number(body['expires_in']);
    const refreshToken = typeof body['refresh_token'] === 'string' ? body['refresh_token'] : previous?.refreshToken;
    const csrfToken = typeof body['csrf_token'] === 'string' ? body['csrf_token'] : previous?.csrfToken;
    store.writeTokens({
      accessToken,
      expiresAtSeconds: Math.floor(now() / 1000) + lifetimeSeconds,
      ...(refreshToken !== undefined && { refreshToken }),
      ...(csrfToken !== undefined && { csrfToken }),
    });
    return accessToken;
  };

  /** Another tab has moved on meanwhile: its tokens are newer than any answer to what was presented here. */
  const overtaken = (before: StoredTokens | undefined, answered: unknown): string | undefined => {
    const stored = store.readTokens();
    const moved =
      stored !== undefined && stored.refreshToken !== before?.refreshToken && stored.refreshToken !== answered;
    return moved ? stored.accessToken : undefined;
  };

  const exchange = async (): Promise<string> => {
    const before = store.readTokens();
    if (transport === 'body' && before?.refreshToken === undefined) throw new SignedOutError('no_session');
    const attempt = attemptFor(before?.refreshToken, store);
    const answer = await call(`${authUrl}/${refreshPath}`, {
      method: 'POST',
      headers: { 'idempotency-key': attempt.id, ...(transport === 'body' && { 'content-type': 'application/json' }) },
      ...(transport === 'body' && { body: JSON.stringify({ refresh_token: before?.refreshToken }) }),
      credentials: transport === 'cookie' ? 'include' : 'same-origin',
    });
    if (answer.ok) return overtaken(before, answer.body['refresh_token']) ?? keep(answer.body, before);
    // Only the issuer's own word ends a session: 429, 5xx and whatever a proxy says keep the tokens.
    if (answer.status !== 400 && answer.status !== 401)
      throw new ApiError(answer.status, answer.body, answer.retryAfterSeconds);
    const newer = overtaken(before, undefined);
    if (newer !== undefined) return newer;
    const cause = signedOutCause(answer.body);
    signOut(cause);
    throw new SignedOutError(cause);
  };

  const refresh: TokenManager['refresh'] = (presented) => {
    const stored = store.readTokens();
    // Another tab has been faster.
    if (presented !== undefined && stored !== undefined && stored.accessToken !== presented)
      return Promise.resolve(stored.accessToken);
    flying ??= exchange().finally(() => {
      flying = undefined;
    });
    return flying;
  };

  const remainingSeconds = ({ expiresAtSeconds }: StoredTokens): number => expiresAtSeconds - now() / 1000;
  const marginSeconds = (tokens: StoredTokens): number => {
    const lifetime = lifetimeSeconds || Math.max(0, remainingSeconds(tokens));
    return Math.min(earliestMarginSeconds, lifetime / 4) * (1 + jitterShare * (2 * jitter() - 1));
  };

  return {
    saveTokens: ({ accessToken, refreshToken, expiresInSeconds, csrfToken }) => {
      keep(
        { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresInSeconds, csrf_token: csrfToken },
        undefined,
      );
    },
    getAccessToken: async () => {
      const stored = store.readTokens();
      if (stored === undefined) return transport === 'cookie' ? refresh().catch(undefinedWhenSignedOut) : undefined;
      if (remainingSeconds(stored) > 0) return stored.accessToken;
      return refresh().catch(undefinedWhenSignedOut);
    },
    csrfToken: () => store.readTokens()?.csrfToken,
    refresh,
    checkAndRefresh: async () => {
      const stored = store.readTokens();
      if (stored !== undefined && remainingSeconds(stored) >= marginSeconds(stored)) return true;
      return refresh().then(
        () => true,
        () => false,
      );
    },
    logout: async () => {
      const refreshToken = store.readTokens()?.refreshToken;
      try {
        await call(`${authUrl}/logout`, {
          method: 'POST',
          ...(refreshToken !== undefined && {
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ refresh_token: refreshToken }),
          }),
          credentials: transport === 'cookie' ? 'include' : 'same-origin',
        });
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
      } finally {
        signOut('signed_out');
      }
    },
    clearTokens: () => store.clear(),
    close: () => stopWatching?.(),
  };
};

const undefinedWhenSignedOut = (error: unknown): undefined => {
  if (error instanceof SignedOutError) return undefined;
  throw error;
};

/** Kept before the call, where all tabs see it: whoever comes after a lost answer says that it is the same holder. */
const attemptFor = (refreshToken: string | undefined, store: TokenStore): RefreshAttempt => {
  const of = refreshToken?.slice(-attemptTailLength) ?? '';
  const kept = store.readAttempt();
  if (kept?.of === of) return kept;
  const attempt = { of, id: randomId() };
  store.writeAttempt(attempt);
  return attempt;
};

/** 24 random bytes in base64url: 32 characters. */
const randomId = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
};

const causes: readonly ErrorCode[] = [
  'refresh_invalid',
  'refresh_expired',
  'refresh_reused',
  'session_revoked',
  'session_lost',
  'proof_required',
  'user_unknown',
];

const signedOutCause = (body: Readonly<Record<string, unknown>>): SignedOutCause =>
  causes.includes(body['code'] as ErrorCode) ? (body['code'] as SignedOutCause) : 'refresh_invalid';

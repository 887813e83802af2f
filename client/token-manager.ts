import { attemptFor } from './attempt.ts';
import { NetworkError, SignedOutError } from './errors.ts';
import { createExclusive } from './exclusive.ts';
import { memberOf } from './member-of.ts';
import { type Answer, readAnswer, refusal } from './read-answer.ts';
import { sdkHeader } from './sdk-header.ts';
import { createSessionWatch, type SessionState } from './session-state.ts';
import { issuersWord, type SignedOutCause } from './signed-out-cause.ts';
import { claimsOf } from './token-claims.ts';
import { managerOptions, type TokenManagerOptions } from './token-manager-options.ts';
import type { StoredTokens, TabChange } from './token-store.ts';

export type { SessionState, TokenManagerOptions };

export interface TokenManager {
  /**
   * Posts to a route that answers with tokens (`login`, `register`) and keeps what comes. Returns the answer's body. In cookie mode no
   * refresh of another tab can put its older cookie over the new one. Throws ApiError, NetworkError.
   */
  signIn(path: string, body: unknown): Promise<Answer['body']>;
  /** Keeps the tokens of a login's answer, where the application made the call itself. */
  saveTokens(tokens: {
    accessToken: string;
    refreshToken?: string;
    expiresInSeconds: number;
    csrfToken?: string;
  }): void;
  /** The access token, refreshed first when it has expired. Undefined: signed out. Throws NetworkError or ApiError where a needed refresh could not be made. */
  getAccessToken(): Promise<string | undefined>;
  /** Headers of one request with this access token: `authorization` and, where it is bound to the proof key, a `dpop` of its own. */
  authorize(accessToken: string, method: string, url: string): Promise<Readonly<Record<string, string>>>;
  /** The protocols of a WebSocket to this URL, which can send no header: `bearer, <token>`, or `dpop, <token>, <proof>`. Undefined: signed out. */
  webSocketProtocols(url: string): Promise<string[] | undefined>;
  /** The CSRF token of the last answer, where the issuer gives one. */
  csrfToken(): string | undefined;
  /** Refreshes now; callers at the same time share one call. `presented`: the access token that was refused; another one in the store is answered without a call. */
  refresh(presented?: string): Promise<string>;
  /** On load and now and then: refreshes when less than min(30 min, a quarter of the lifetime) remains. False: could not, tokens kept. */
  checkAndRefresh(): Promise<boolean>;
  /**
   * Tells the issuer, then clears whatever it answered, in all tabs. False: the issuer could not be told. In cookie mode it is told
   * before anything else as soon as it answers again, since no script can delete the cookie.
   */
  logout(): Promise<boolean>;
  /** Forgets this tab's tokens without telling anybody. */
  clearTokens(): void;
  /** Whether this tab has a session: the same object until that changes. */
  session(): SessionState;
  /** Told when `session()` has changed, here or by another tab. Returns how to stop. */
  subscribe(listener: () => void): () => void;
  /** Stops watching other tabs. */
  close(): void;
}

const earliestMarginSeconds = 1800;
/** refresh.md: the SDK jitters its refresh by 10 %, so that a thief who calls in step is met. */
const jitterShare = 0.1;
/** A login may wait for its hash. */
const signInTimeoutMs = 60_000;

/** Keeps one session's tokens fresh: single flight, attempt ids, and no logout for anything but the issuer's word. */
export const createTokenManager = (given: TokenManagerOptions): TokenManager => {
  const options = managerOptions(given);
  const { store, authUrl, now, jitter, timeoutMs, proofKey } = options;
  const { tabs } = store;
  const inCookie = options.transport === 'cookie';
  const read = readAnswer(options.fetch);
  const exclusive = createExclusive(options.locks, `sallyport ${authUrl}`, timeoutMs + 1000);
  /** Logins and logouts of all tabs, one at a time; a logout waits for no refresh. */
  const exclusiveChange = createExclusive(options.locks, `sallyport ${authUrl} change`, timeoutMs + 1000);
  let flying: Promise<string> | undefined;
  /** Rises with every login and every end here: an answer to what was asked before counts no more. */
  let turn = 0;
  let live = store.readTokens() !== undefined;
  let over: SignedOutCause | undefined;
  /** The session that this tab's tokens belong to, as the tabs name it. */
  let mark: string | undefined;
  const watch = createSessionWatch(() => (live ? true : (over ?? (inCookie ? undefined : 'no_session'))));

  const post = async (
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
    limitMs = timeoutMs,
  ): Promise<Answer> => {
    const answer = await read(`${authUrl}/${path}`, {
      method: 'POST',
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      body: JSON.stringify(body),
      credentials: inCookie ? 'include' : 'same-origin',
      signal: AbortSignal.timeout(limitMs),
    });
    // A portal's page in the issuer's place, even with 200: whatever the issuer said, its answer is lost.
    if (answer.ok && !isIssuers(answer, path === options.refreshPath)) throw new NetworkError(new TypeError(foreign));
    return answer;
  };

  /** Proofs are judged by the servers' clock: how far ours is from it, the stored tokens tell. */
  const serversNowMs = (): number => {
    const stored = store.readTokens();
    const { exp } = stored === undefined ? {} : claimsOf(stored.accessToken);
    return now() + (stored !== undefined && typeof exp === 'number' ? (exp - stored.expiresAtSeconds) * 1000 : 0);
  };
  const postProved = async (
    path: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
    limitMs?: number,
    atMs = serversNowMs(),
  ): Promise<Answer> => {
    const proof = await proofKey?.prove({ method: 'POST', url: `${authUrl}/${path}`, atMs });
    return post(path, body, { ...headers, ...sdkHeader, ...(proof !== undefined && { dpop: proof }) }, limitMs);
  };
  const authorize: TokenManager['authorize'] = async (accessToken, method, url) => {
    if (proofKey === undefined || claimsOf(accessToken).cnf === undefined)
      return { authorization: `Bearer ${accessToken}` };
    const dpop = await proofKey.prove({ method, url, accessToken, atMs: serversNowMs() });
    return { authorization: `DPoP ${accessToken}`, dpop };
  };

  const forget = (cause: SignedOutCause): void => {
    turn += 1;
    live = false;
    over = cause;
    mark = undefined;
    store.clear();
    watch.look();
  };
  /** Over in this tab; `everywhere`: in all of them. */
  const end = (cause: SignedOutCause, everywhere: boolean): SignedOutError => {
    if (everywhere) tabs?.endSession(mark);
    forget(cause);
    options.onSignedOut?.(cause);
    return new SignedOutError(cause);
  };
  /** Another tab has ended the session or begun another one, told by what the tabs share. */
  const endedElsewhere = (shared: string | undefined): SignedOutError =>
    end(shared === undefined ? 'signed_out_elsewhere' : 'signed_in_elsewhere', false);

  const stopWatching = store.watch?.((change: TabChange) => {
    if (change === 'signed_out') {
      if (live) end('signed_out_elsewhere', false);
      return;
    }
    if (tabs !== undefined && tabs.readSession() === mark) return;
    if (tabs !== undefined && live) end('signed_in_elsewhere', false);
    over = undefined;
    live = store.readTokens() !== undefined;
    watch.look();
    options.onSignedIn?.();
  });

  const keep = (body: Answer['body'], previous: StoredTokens | undefined): string => {
    const accessToken = String(body['access_token']);
    const lifetimeSeconds = Number(body['expires_in']);
    const refreshToken = memberOf(body, 'refresh_token') ?? previous?.refreshToken;
    const csrfToken = memberOf(body, 'csrf_token') ?? previous?.csrfToken;
    store.writeTokens({
      accessToken,
      expiresAtSeconds: Math.floor(now() / 1000) + lifetimeSeconds,
      lifetimeSeconds,
      ...(refreshToken !== undefined && { refreshToken }),
      ...(csrfToken !== undefined && { csrfToken }),
    });
    live = true;
    over = undefined;
    watch.look();
    return accessToken;
  };

  const begin = (body: Answer['body']): void => {
    turn += 1;
    tabs?.noteLogoutOwed(false);
    mark = tabs?.beginSession();
    store.forgetAttempt();
    keep(body, undefined);
  };

  /** Another tab has moved on meanwhile: its tokens are newer than any answer to what was presented here. */
  const overtaken = (before: StoredTokens | undefined, answered: unknown): string | undefined => {
    const stored = store.readTokens();
    const moved =
      stored !== undefined && stored.refreshToken !== before?.refreshToken && stored.refreshToken !== answered;
    return moved ? stored.accessToken : undefined;
  };

  /** What became of the session while the issuer was asked; undefined: nothing. */
  const changedMeanwhile = (askedIn: number, shared: string | undefined): string | undefined => {
    if (turn !== askedIn) {
      const stored = store.readTokens();
      if (stored !== undefined) return stored.accessToken;
      throw new SignedOutError(over ?? 'signed_out');
    }
    if (tabs !== undefined && tabs.readSession() !== shared) throw endedElsewhere(tabs.readSession());
    return undefined;
  };

  const payOwedLogout = async (): Promise<void> => {
    const answer = await post('logout', undefined);
    if (!answer.ok) throw refusal(answer);
    tabs?.noteLogoutOwed(false);
    throw end(live ? 'signed_out_elsewhere' : 'no_session', true);
  };

  const exchange = async (): Promise<string> => {
    if (tabs?.owesLogout()) await payOwedLogout();
    const askedIn = turn;
    const shared = tabs?.readSession();
    if (mark !== undefined && shared !== mark) throw endedElsewhere(shared);
    const before = store.readTokens();
    if (!inCookie && before?.refreshToken === undefined) throw new SignedOutError('no_session');
    const attempt = attemptFor(before?.refreshToken, store, now());
    const body = inCookie ? undefined : { refresh_token: before?.refreshToken };
    const send = (atMs?: number) =>
      postProved(options.refreshPath, body, { 'idempotency-key': attempt.id }, undefined, atMs);
    // Browsers repeat what a connection has lost, the proof with it, and a used one shows nothing. Or our clock is wrong: the issuer tells its own.
    const again = (first: Answer) =>
      proofKey !== undefined && first.status === 401 && first.body['code'] === 'proof_required'
        ? send(Object(first.body['params'])['nowSeconds'] * 1000 || now())
        : first;
    const answer = await send()
      .then(again)
      .catch((lost: unknown) => {
        // Another tab's answer may have let the id go, and now it is the only proof of this one.
        if (inCookie && (store.readAttempt() ?? attempt).id === attempt.id) store.writeAttempt(attempt);
        throw lost;
      });
    const other = changedMeanwhile(askedIn, shared);
    if (other !== undefined) return other;
    if (!answer.ok) return refused(answer, before, shared);
    const newer = overtaken(before, answer.body['refresh_token']);
    if (newer !== undefined) return newer;
    // refresh.md: new for each generation. In cookie mode no tab sees the generation: the id serves for one burst of the browser.
    if (inCookie) store.writeAttempt({ ...attempt, of: `${now()}` });
    else store.forgetAttempt();
    mark = shared ?? tabs?.beginSession();
    return keep(answer.body, before);
  };

  const refused = (answer: Answer, before: StoredTokens | undefined, shared: string | undefined): string => {
    const word = answer.status === 401 ? issuersWord(answer.body) : undefined;
    if (word === undefined) throw refusal(answer);
    const newer = overtaken(before, undefined);
    if (newer !== undefined) return newer;
    // The first visit: the browser had no cookie to send.
    const hadNone = inCookie && word === 'refresh_invalid' && !live && shared === undefined;
    mark = shared;
    throw end(hadNone ? 'no_session' : word, true);
  };

  const refresh: TokenManager['refresh'] = (presented) => {
    const stored = store.readTokens();
    // Another tab has been faster.
    if (presented !== undefined && stored !== undefined && stored.accessToken !== presented)
      return Promise.resolve(stored.accessToken);
    flying ??= exclusive(exchange).finally(() => {
      flying = undefined;
    });
    return flying;
  };

  const signIn: TokenManager['signIn'] = async (path, body) => {
    const answer = await postProved(path, body, {}, signInTimeoutMs);
    if (!answer.ok) throw refusal(answer);
    if (memberOf(answer.body, 'access_token') !== undefined) begin(answer.body);
    return answer.body;
  };

  const remainingSeconds = ({ expiresAtSeconds }: StoredTokens): number => expiresAtSeconds - now() / 1000;
  const marginSeconds = ({ lifetimeSeconds = Infinity }: StoredTokens): number =>
    Math.min(earliestMarginSeconds, lifetimeSeconds / 4) * (1 + jitterShare * (2 * jitter() - 1));
  /** Nothing to refresh with: said already, or never begun. */
  const isOver = (stored: StoredTokens | undefined): boolean =>
    stored === undefined && (!inCookie || over !== undefined);

  const getAccessToken = async (): Promise<string | undefined> => {
    const stored = store.readTokens();
    if (isOver(stored)) return undefined;
    if (stored !== undefined && remainingSeconds(stored) > 0) return stored.accessToken;
    return refresh().catch(undefinedWhenSignedOut);
  };

  return {
    signIn: (path, body) => exclusive(() => exclusiveChange(() => signIn(path, body))),
    saveTokens: ({ accessToken, refreshToken, expiresInSeconds, csrfToken }) =>
      begin({
        access_token: accessToken,
        refresh_token: refreshToken,
        expires_in: expiresInSeconds,
        csrf_token: csrfToken,
      }),
    getAccessToken,
    authorize,
    webSocketProtocols: async (url) => {
      const accessToken = await getAccessToken();
      if (accessToken === undefined) return undefined;
      // RFC 6455 §4.1: the handshake is a GET over HTTP.
      const { authorization = '', dpop } = await authorize(accessToken, 'GET', url.replace(/^ws/, 'http'));
      const [scheme = '', token = ''] = authorization.split(' ');
      return [scheme.toLowerCase(), token, ...(dpop === undefined ? [] : [dpop])];
    },
    csrfToken: () => store.readTokens()?.csrfToken,
    refresh,
    checkAndRefresh: async () => {
      const stored = store.readTokens();
      if (isOver(stored)) return false;
      if (stored !== undefined && remainingSeconds(stored) >= marginSeconds(stored)) return true;
      return refresh().then(
        () => true,
        () => false,
      );
    },
    logout: async () => {
      const refreshToken = store.readTokens()?.refreshToken;
      // Noted first: the page may be closed before the answer comes.
      tabs?.noteLogoutOwed(true);
      const body = refreshToken === undefined ? undefined : { refresh_token: refreshToken };
      const shared = tabs?.readSession();
      // Not beside a login of another tab: this answer clears the cookie, whosever it is by then.
      const told = await exclusiveChange(async () => {
        const newer = tabs?.readSession();
        // That login has ended this session, and has a cookie of its own.
        if (newer !== undefined && newer !== shared) return true;
        return post('logout', body).then(({ ok }) => ok, falseWhenUnanswered);
      });
      if (told) tabs?.noteLogoutOwed(false);
      end('signed_out', true);
      return told;
    },
    clearTokens: () => forget('signed_out'),
    session: watch.session,
    subscribe: watch.subscribe,
    close: () => stopWatching?.(),
  };
};

const foreign = 'not the issuer';

/** The issuer answers with JSON objects that are not empty; a refresh with tokens. */
const isIssuers = ({ body }: Answer, isRefresh: boolean): boolean =>
  isRefresh
    ? memberOf(body, 'access_token') !== undefined && typeof body['expires_in'] === 'number'
    : Object.keys(body).length > 0;

const undefinedWhenSignedOut = (error: unknown): undefined => {
  if (error instanceof SignedOutError) return undefined;
  throw error;
};

const falseWhenUnanswered = (error: unknown): false => {
  if (error instanceof NetworkError) return false;
  throw error;
};

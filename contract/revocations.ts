/**
 * The revocation feed on the wire: `GET /v1/revocations` on the issuer's private listener, server-sent events (HTML, "Server-sent
 * events"). Events: `reset` (forget everything, a snapshot follows), `entries` (a list), `synced` (all that was committed before
 * this event has been sent), `heartbeat` (the store has just been read). `id:` is the cursor; a client that comes back sends the
 * last one as `Last-Event-ID`.
 */
export const revocationFeedPath = '/v1/revocations';
export const revocationFeedVersion = 1;

/** What verifiers refuse before its expiry. Times are milliseconds since the epoch. */
export interface RevocationFeedEntry {
  /** `session`: id = `sid`. `user`: id = `sub`, tokens with `uep` below `below`. `key`: id = `kid`. */
  readonly kind: 'session' | 'user' | 'key';
  readonly id: string;
  /** Of `user` alone. */
  readonly below?: number;
  /** The token is only older than a change of roles: its holder refreshes, and nobody is logged out. */
  readonly stale?: true;
  readonly atMs: number;
  /** After it no token is left that the entry could refuse. */
  readonly untilMs: number;
}

/** `data:` of `reset`. */
export interface RevocationFeedReset {
  readonly version: typeof revocationFeedVersion;
  /** `iss` of the tokens that the entries are about. */
  readonly issuer: string;
}

/** `<incarnation>.<position>`: a place in one store's history. */
export const formatFeedCursor = (incarnation: string, position: number): string => `${incarnation}.${position}`;

/** Undefined: not one of ours. */
export const parseFeedCursor = (
  text: string,
): { readonly incarnation: string; readonly position: number } | undefined => {
  const [, incarnation = '', position = ''] = /^([A-Za-z0-9_-]{1,64})\.(\d{1,15})$/.exec(text) ?? [];
  return incarnation === '' ? undefined : { incarnation, position: Number(position) };
};

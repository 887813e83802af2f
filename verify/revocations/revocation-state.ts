import type { RevocationFeedEntry } from '@sallyport/contract';
import type { RevocationSubject } from '../access/refusal.ts';

interface UserEntry {
  /** Tokens with an older epoch are dead. */
  deadBelow: number;
  /** Tokens with an older epoch only lack a change of roles. */
  staleBelow: number;
  atSeconds: number;
  /** By the clock that only grows. */
  untilMs: number;
}

/** What one issuer has revoked and what is still worth knowing: plain maps, asked once per request. Knows no network and no clock. */
export interface RevocationSet {
  /**
   * Kept for the entry's whole life from now on, by a clock that only grows: what is swept out by one that was ahead for a moment
   * would let its sessions in again.
   */
  add(entry: RevocationFeedEntry, elapsedMs: number): void;
  stateOf(subject: RevocationSubject): 'active' | 'revoked' | 'stale';
  /** Forgets entries after which no token is left. */
  sweep(elapsedMs: number): void;
  readonly size: number;
}

export const createRevocationSet = (): RevocationSet => {
  const sessions = new Map<string, number>();
  const users = new Map<string, UserEntry>();
  const keys = new Map<string, number>();

  const addUser = ({ id, below = 0, stale, atMs }: RevocationFeedEntry, untilMs: number): void => {
    const held = users.get(id) ?? { deadBelow: 0, staleBelow: 0, atSeconds: 0, untilMs: 0 };
    if (stale) held.staleBelow = Math.max(held.staleBelow, below);
    else {
      held.deadBelow = Math.max(held.deadBelow, below);
      held.atSeconds = Math.max(held.atSeconds, Math.floor(atMs / 1000));
    }
    held.untilMs = Math.max(held.untilMs, untilMs);
    users.set(id, held);
  };

  return {
    add: (entry, elapsedMs) => {
      const untilMs = elapsedMs + Math.max(0, entry.untilMs - entry.atMs);
      if (entry.kind === 'user') addUser(entry, untilMs);
      else {
        const map = entry.kind === 'session' ? sessions : keys;
        map.set(entry.id, Math.max(map.get(entry.id) ?? 0, untilMs));
      }
    },
    stateOf: ({ sub, sid, uep, kid, iat }) => {
      if (sid !== undefined && sessions.has(sid)) return 'revoked';
      const user = users.get(sub);
      if (user !== undefined) {
        // A token without an epoch can only be told apart by its time of issue.
        if (uep === undefined ? iat <= user.atSeconds : uep < user.deadBelow) return 'revoked';
        if (uep !== undefined && uep < user.staleBelow) return 'stale';
      }
      return keys.size > 0 && keys.has(kid) ? 'revoked' : 'active';
    },
    sweep: (elapsedMs) => {
      for (const map of [sessions, keys]) for (const [id, untilMs] of map) if (untilMs <= elapsedMs) map.delete(id);
      for (const [id, { untilMs }] of users) if (untilMs <= elapsedMs) users.delete(id);
    },
    get size() {
      return sessions.size + users.size + keys.size;
    },
  };
};

/** A longer id is in no token: its identity would not fit into headers. */
const maxIdChars = 1024;

/** Entry as it came over the wire; undefined: not one of ours. */
export const readFeedEntry = (value: unknown): RevocationFeedEntry | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, id, below, stale, atMs, untilMs } = value as Readonly<Record<string, unknown>>;
  const isKind = kind === 'session' || kind === 'user' || kind === 'key';
  if (!isKind || typeof id !== 'string' || !Number.isFinite(atMs) || !Number.isFinite(untilMs)) return undefined;
  if (id.length > maxIdChars) return undefined;
  if (kind === 'user' && !Number.isSafeInteger(below)) return undefined;
  return {
    kind,
    id,
    ...(kind === 'user' && { below: below as number }),
    ...(stale === true && { stale }),
    atMs: atMs as number,
    untilMs: untilMs as number,
  };
};

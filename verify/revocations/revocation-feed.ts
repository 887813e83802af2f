/**
 * A subscription to an issuer's revocation feed: keeps what is revoked in memory, so that no request has to ask. It reconnects by
 * itself, keeps what it knows while it is cut off, and says `unknown` before its first snapshot and once it has heard nothing for
 * too long. It never forgets an entry early and never makes one up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RevocationFeedEntry, revocationFeedVersion } from '@sallyport/contract';
import type { RevocationState, RevocationSubject } from '../access/refusal.ts';
import { checkOptions } from '../options.ts';
import { sdkHeader } from '../sdk-header.ts';
import { createEventReader, type StreamEvent } from './event-stream.ts';
import { createRevocationSet, type RevocationSet, readFeedEntry } from './revocation-state.ts';

export interface RevocationFeedOptions {
  /** The issuer's private listener: `http://127.0.0.1:9081/v1/revocations`. */
  readonly url: string;
  /** The subscriber's own token (`sallyport keys feed <subscriber>`). */
  readonly token: string;
  /** `iss` that the feed is about. Tokens of other issuers are none of its business. */
  readonly issuer: string;
  /** Heard nothing for this long: every answer is `unknown`. Default 120. */
  readonly maxStalenessSeconds?: number;
  /** A connection that is silent for this long is given up and made anew. Default 3,000. */
  readonly silenceMs?: number;
  /**
   * More entries than that are not held: the feed counts as silent from then on. For an issuer that somebody else runs, who could
   * fill this process's memory. Default: as many as it sends.
   */
  readonly maxEntries?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds that only grow. Default `performance.now`. */
  readonly elapsedMs?: () => number;
  /** Told after new entries were taken in, for example to cut connections that live on. */
  readonly onChange?: () => void;
  /** Told when a signing key was removed: its issuer signs with another one now, which verifiers do not know yet (`remoteJwks(…).hurry`). */
  readonly onKeyRemoved?: () => void;
}

export interface RevocationFeed {
  /** `iss` that the feed is about; of several feeds together, the first one's. */
  readonly issuer: string;
  /** Synchronous, two look-ups in memory. */
  isRevoked(subject: RevocationSubject): RevocationState;
  /** A first snapshot is in, and it is not too old. */
  isReady(): boolean;
  stats(): {
    readonly entries: number;
    readonly connects: number;
    readonly failures: number;
    /** Since the issuer last said that nothing is missing; Infinity before the first snapshot. */
    readonly ageSeconds: number;
    readonly lastFailure: string | undefined;
  };
  close(): Promise<void>;
}

const numbers = { maxStalenessSeconds: 120, silenceMs: 3000 } as const;
const firstRetryMs = 50;
const lastRetryMs = 1000;
const sweepMs = 30_000;

/** Begins to subscribe at once. @throws TypeError for a misspelt or missing option */
export const openRevocationFeed = (given: RevocationFeedOptions): RevocationFeed => {
  const optional = { ...numbers, maxEntries: 0, fetch: 0, elapsedMs: 0, onChange: 0, onKeyRemoved: 0 };
  const options = { ...numbers, ...checkOptions('openRevocationFeed', given, ['url', 'token', 'issuer'], optional) };
  const { maxEntries = Number.POSITIVE_INFINITY } = options;
  const elapsedMs = options.elapsedMs ?? (() => performance.now());
  const stopping = new AbortController();
  const counts = { connects: 0, failures: 0, lastFailure: undefined as string | undefined };

  let set = createRevocationSet();
  /** A snapshot that is on its way; takes the place of the set once it is whole. */
  let coming: RevocationSet | undefined;
  let heardAtMs = Number.NEGATIVE_INFINITY;
  /** This connection has sent all that was missing. */
  let isWhole = false;
  /** This connection has begun where the one before it ended, or with a snapshot. */
  let hasBegun = false;
  let cursor: string | undefined;

  const add = (entry: RevocationFeedEntry): void => {
    const to = coming ?? set;
    if (to.size >= maxEntries) throw new RangeError(`the feed sent more than ${maxEntries} entries`);
    to.add(entry, elapsedMs());
    // What lives on meanwhile is judged by the old set: a new entry counts there at once.
    if (coming && set.size < maxEntries) set.add(entry, elapsedMs());
  };

  const take = ({ name, data, id }: StreamEvent): void => {
    if (name === 'reset') {
      assertReset(data, options.issuer);
      coming = createRevocationSet();
      cursor = undefined;
      hasBegun = true;
    } else if (name === 'entries') {
      const entries = entriesOf(data);
      for (const entry of entries) add(entry);
      options.onChange?.();
      // What a snapshot holds has been so for long.
      if (coming === undefined && entries.some(({ kind }) => kind === 'key')) options.onKeyRemoved?.();
    } else if (name === 'synced') {
      if (!hasBegun) throw new Error('the feed said that nothing is missing, and had sent no snapshot');
      set = coming ?? set;
      coming = undefined;
      isWhole = true;
    }
    if (coming === undefined) cursor = id ?? cursor;
    // From `synced` on every event says that the store has been read and nothing is missing.
    if (isWhole) heardAtMs = elapsedMs();
  };

  const connectOnce = async (): Promise<void> => {
    const cut = new AbortController();
    const signal = AbortSignal.any([stopping.signal, cut.signal]);
    let silence = setTimeout(() => cut.abort(), options.silenceMs);
    try {
      const response = await (options.fetch ?? globalThis.fetch)(options.url, {
        headers: {
          ...sdkHeader,
          accept: 'text/event-stream',
          authorization: `Bearer ${options.token}`,
          ...(cursor !== undefined && { 'last-event-id': cursor }),
        },
        redirect: 'error',
        signal,
      });
      if (response.status !== 200 || response.body === null) {
        await response.body?.cancel();
        throw new Error(`the feed answered ${response.status}`);
      }
      counts.connects += 1;
      // A snapshot that was cut off is worth nothing.
      coming = undefined;
      isWhole = false;
      hasBegun = cursor !== undefined;
      const read = createEventReader(take);
      const decoder = new TextDecoder('utf-8', { fatal: true });
      for await (const chunk of response.body) {
        clearTimeout(silence);
        silence = setTimeout(() => cut.abort(), options.silenceMs);
        read(decoder.decode(chunk, { stream: true }));
      }
      throw new Error('the feed ended');
    } finally {
      clearTimeout(silence);
    }
  };

  const run = async (): Promise<void> => {
    for (let pauseMs = firstRetryMs; !stopping.signal.aborted; ) {
      const before = counts.connects;
      await connectOnce().catch((error: unknown) => {
        counts.failures += 1;
        counts.lastFailure = error instanceof Error ? error.message : 'unknown failure';
      });
      pauseMs = counts.connects > before ? firstRetryMs : Math.min(lastRetryMs, pauseMs * 2);
      // Spread, so that a restarted issuer does not meet all subscribers at once.
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = run();
  const sweeping = setInterval(() => set.sweep(elapsedMs()), sweepMs);
  sweeping.unref();

  const isReady = (): boolean => elapsedMs() - heardAtMs <= options.maxStalenessSeconds * 1000;
  return Object.freeze<RevocationFeed>({
    issuer: options.issuer,
    isReady,
    isRevoked: (subject) => {
      if (subject.iss !== options.issuer) return 'active';
      const state = set.stateOf(subject);
      if (state !== 'active') return state;
      return isReady() ? 'active' : 'unknown';
    },
    stats: () => ({ ...counts, entries: set.size, ageSeconds: (elapsedMs() - heardAtMs) / 1000 }),
    close: async () => {
      clearInterval(sweeping);
      stopping.abort();
      await running;
    },
  });
};

const assertReset = (data: string, issuer: string): void => {
  const reset: unknown = JSON.parse(data);
  const { version, issuer: told } = reset as Readonly<Record<string, unknown>>;
  if (version !== revocationFeedVersion) throw new Error(`the feed speaks version ${String(version)}`);
  if (told !== issuer) throw new Error('the feed is about another issuer');
};

const entriesOf = (data: string) => {
  const list: unknown = JSON.parse(data);
  if (!Array.isArray(list)) throw new Error('the feed sent entries that are no list');
  return list.map((value) => {
    const entry = readFeedEntry(value);
    // An entry that cannot be read would be a revocation that is not kept.
    if (entry === undefined) throw new Error('the feed sent an entry of an unknown form');
    return entry;
  });
};

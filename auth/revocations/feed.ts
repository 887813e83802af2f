/**
 * The revocation feed: one reader of the store per process, any number of subscribers. It owns cursors and heartbeats; it never
 * says a word that the store has not just confirmed, and never decides what is revoked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  formatFeedCursor,
  parseFeedCursor,
  type RevocationFeedEntry,
  revocationFeedVersion,
} from '@sallyport/contract';
import type { RevocationEntry, Revocations } from '@sallyport/storage/contracts/revocations';

export interface FeedOptions {
  readonly revocations: Revocations;
  /** `iss` of the tokens that the entries are about. */
  readonly issuer: string;
  /** The store is read at least this often: what other processes wrote is found this way. */
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly elapsedMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** Where a subscriber's events go. */
export interface FeedSink {
  /** False: it does not keep up and is dropped. */
  write(event: string): boolean;
  /** Resolves when it has taken what was written. False: it has not in a long time, and is dropped. */
  drained(): Promise<boolean>;
  end(): void;
}

export interface Feed {
  /** Sends what the subscriber has not seen, then everything new. Rejects with StoreUnavailable where the store cannot be read. Returns how to leave. */
  subscribe(sink: FeedSink, lastEventId: string | undefined): Promise<() => void>;
  readonly subscribers: number;
  /** Sends everybody a new snapshot: what has been folded, subscribers need not hold any longer. */
  renew(): void;
  /** Ends all subscriptions, those too that come later. */
  stop(): Promise<void>;
}

interface Subscriber {
  readonly sink: FeedSink;
  position: number;
  /** Entries that came while the snapshot was read; undefined once it has been sent. */
  early: RevocationEntry[] | undefined;
}

/** Entries in one event, and rows in one read. */
const pageSize = 500;
/** Entries that wait for a subscriber until its snapshot has been sent. */
const maxEarly = 100_000;
/** A refresh storm must not become a storm of reads. */
const wakePauseMs = 10;

export const startFeed = (options: FeedOptions): Feed => {
  const { revocations, pollMs, heartbeatMs, elapsedMs, onError } = options;
  const subscribers = new Set<Subscriber>();
  const stopping = new AbortController();
  let position: number | undefined;
  let incarnation = '';
  let heartbeatAtMs = 0;
  let wake = Promise.withResolvers<void>();
  const resetEvent = eventOf('reset', { version: revocationFeedVersion, issuer: options.issuer });
  const stopWaking = revocations.onWrite(() => wake.resolve());

  const drop = (subscriber: Subscriber): void => {
    if (subscribers.delete(subscriber)) subscriber.sink.end();
  };
  /** Nothing more for who was dropped, also in the middle of a snapshot: a write after the end is an error that nobody hears. */
  const send = (subscriber: Subscriber, event: string): void => {
    if (subscribers.has(subscriber) && !subscriber.sink.write(event)) drop(subscriber);
  };
  const sendEntries = (subscriber: Subscriber, entries: readonly RevocationEntry[]): void => {
    const unseen = entries.filter((entry) => entry.position > subscriber.position);
    const last = unseen.at(-1);
    if (last === undefined) return;
    subscriber.position = last.position;
    send(subscriber, eventOf('entries', unseen.map(wireEntry), formatFeedCursor(incarnation, last.position)));
  };

  const hand = (subscriber: Subscriber, entries: readonly RevocationEntry[]): void => {
    if (subscriber.early === undefined) sendEntries(subscriber, entries);
    else if (subscriber.early.length > maxEarly) drop(subscriber);
    else subscriber.early.push(...entries);
  };

  /** Reads what is new and hands it on; then, and only then, may a heartbeat say that nothing is missing. */
  const readOnce = async (): Promise<void> => {
    if (position === undefined) return;
    for (let page = pageSize; page === pageSize; ) {
      const entries = await revocations.readRevocations(position, pageSize);
      for (const subscriber of subscribers) hand(subscriber, entries);
      position = entries.at(-1)?.position ?? position;
      page = entries.length;
    }
    if (elapsedMs() - heartbeatAtMs < heartbeatMs) return;
    heartbeatAtMs = elapsedMs();
    for (const subscriber of subscribers) if (subscriber.early === undefined) send(subscriber, heartbeat);
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (subscribers.size > 0) await readOnce().catch(onError);
      // Nobody listens: what was written meanwhile reaches the next subscriber in its snapshot.
      else position = undefined;
      await Promise.race([wake.promise, sleep(pollMs)]);
      wake = Promise.withResolvers<void>();
      await sleep(wakePauseMs);
    }
  };
  const running = run();

  /** A cursor counts where it is of this store's history; anything else gets all that lives. */
  const resume = async (subscriber: Subscriber, lastEventId: string | undefined): Promise<void> => {
    incarnation = await revocations.storeIncarnation();
    const newest = await revocations.lastRevocationPosition();
    const cursor = lastEventId === undefined ? undefined : parseFeedCursor(lastEventId);
    if (cursor?.incarnation === incarnation && cursor.position <= newest) subscriber.position = cursor.position;
    else send(subscriber, resetEvent);
  };

  const catchUp = async (subscriber: Subscriber): Promise<void> => {
    const newest = await revocations.lastRevocationPosition();
    // From here on the common reader sees everything: what comes between this and the last page waits in `early`.
    position = Math.min(position ?? newest, newest);
    for (let page = pageSize; page === pageSize && subscribers.has(subscriber); ) {
      // In the subscriber's own time: the store is faster than most networks, and a snapshot that is cut off begins anew.
      if (!(await subscriber.sink.drained())) return drop(subscriber);
      const entries = await revocations.readLiveRevocations(subscriber.position, pageSize);
      sendEntries(subscriber, entries);
      page = entries.length;
    }
    sendEntries(subscriber, subscriber.early ?? []);
    subscriber.early = undefined;
    // What has expired is not sent, and need not be asked for again.
    subscriber.position = Math.max(subscriber.position, newest);
    send(subscriber, eventOf('synced', {}, formatFeedCursor(incarnation, subscriber.position)));
  };

  /** Aside of what is known until it is whole; what comes meanwhile waits in `early`. */
  const renew = async (subscriber: Subscriber): Promise<void> => {
    if (subscriber.early !== undefined) return;
    subscriber.early = [];
    subscriber.position = 0;
    send(subscriber, resetEvent);
    await catchUp(subscriber).catch((error: unknown) => {
      drop(subscriber);
      onError(error);
    });
  };

  return {
    renew: () => {
      for (const subscriber of subscribers) void renew(subscriber);
    },
    get subscribers() {
      return subscribers.size;
    },
    subscribe: async (sink, lastEventId) => {
      // Who was sent away comes back at once, while the listener is still open: nobody would ever tell him anything.
      if (stopping.signal.aborted) {
        sink.end();
        return () => undefined;
      }
      const subscriber: Subscriber = { sink, position: 0, early: [] };
      subscribers.add(subscriber);
      try {
        await resume(subscriber, lastEventId);
        await catchUp(subscriber);
      } catch (error) {
        subscribers.delete(subscriber);
        throw error;
      }
      return () => void subscribers.delete(subscriber);
    },
    stop: async () => {
      stopping.abort();
      stopWaking();
      wake.resolve();
      for (const subscriber of subscribers) drop(subscriber);
      await running;
    },
  };
};

const eventOf = (name: string, data: unknown, id?: string): string =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;

const heartbeat = eventOf('heartbeat', {});

const wireEntry = ({ subject, cause, atMs, expiresAtMs }: RevocationEntry): RevocationFeedEntry => {
  const times = { atMs, untilMs: expiresAtMs };
  switch (subject.kind) {
    case 'session':
      return { kind: 'session', id: subject.sessionId, ...times };
    case 'user':
      return {
        kind: 'user',
        id: subject.userId,
        below: subject.minimumEpoch,
        ...((cause === 'roles_changed' || cause === 'folded') && { stale: true }),
        ...times,
      };
    case 'key':
      return { kind: 'key', id: subject.kid, ...times };
  }
};

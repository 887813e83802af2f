/**
 * The relay: takes events from the outbox to the sink, at least once, in order for each key. Any number of them share one store: each
 * partition of keys is leased to one at a time, and what becomes of its events is written under the fence of that lease, so a relay that
 * was paused and has lost it writes nothing. Never: keeps a position, or holds up one partition for another.
 */
import type { Lease, Outbox, OutboxEvent, OutboxFigures } from '@sallyport/storage/contracts/outbox';
import { cloudEventOf, type EnvelopeOptions } from '../envelope.ts';
import type { EventSink } from '../sinks/sink.ts';
import { createNews } from './news.ts';
import { receiverPauseMs } from './pauses.ts';
import { type Verdict, verdictOf } from './settlement.ts';

export interface RelayOptions {
  readonly outbox: Outbox;
  readonly sink: EventSink;
  readonly envelope: EnvelopeOptions;
  /** Names this relay among all, anew at each start. */
  readonly holder: string;
  /** Events that are under way at once, of all partitions together: what a crash can send twice. */
  readonly batchSize: number;
  readonly maxTries: number;
  /** EVENT_LEASE_SECONDS. Default 10 s. */
  readonly leaseMs?: number;
  /** How long it waits where nobody wakes it: for what another process wrote to SQLite, and for what is due again. Default 1 s. */
  readonly pollMs?: number;
  /** How long it goes on sending at its stop. Default 3 s. */
  readonly stopLimitMs?: number;
  /** Since some moment; it goes on while the process is paused (`createElapsed`). */
  readonly elapsedMs: () => number;
  /** From 0 to below 1, drawn anew each time. */
  readonly spread: () => number;
  readonly observer: RelayObserver;
}

/** For metrics and log; none of them may throw. */
export interface RelayObserver {
  onSent(count: number): void;
  onSettled(verdict: Verdict): void;
  onFigures(figures: OutboxFigures): void;
  /** The store did not do what it was asked; the relay goes on. */
  onError(error: unknown): void;
}

export interface Relay {
  wake(): void;
  /** Sends what can be sent within its limit, ends what is under way, gives its partitions back, closes the sink. */
  stop(): Promise<void>;
}

/** Partitions that one look takes beyond those that are held: the others are left to other relays, which look at the same time. */
const newPerLook = 4;
/** Parts of a lease. One that has less left than half is renewed; with less than a third nothing is begun, it would be cut off. */
const renewedAt = 1 / 2;
const leastToSend = 1 / 3;
/** The sink is told that it has to end when so much is left. */
const margin = 1 / 6;
const figuresPauseMs = 5000;
const lastWordLimitMs = 1500;
const settlePauseMs = 250;

interface Held {
  readonly fence: number;
  /** By `elapsedMs`, counted from before the store was asked: never later than the store's own. */
  untilMs: number;
}

interface Waiting {
  readonly failures: number;
  readonly untilMs: number;
}

type PendingEvent = OutboxEvent & { readonly partition: number; readonly tries: number };

export const startRelay = (options: RelayOptions): Relay => {
  const { outbox, sink, holder, batchSize, elapsedMs, spread, observer } = options;
  const { leaseMs = 10_000, pollMs = 1000, stopLimitMs = 3000 } = options;
  const news = createNews();
  const stopHearing = outbox.onAppend(news.tell);
  const held = new Map<number, Held>();
  const waiting = new Map<number, Waiting>();
  const busy = new Map<number, { readonly count: number; readonly work: Promise<void>; readonly end: () => void }>();
  let stopping = false;
  let figuresAtMs = Number.NEGATIVE_INFINITY;

  const leftMs = (partition: number): number => (held.get(partition)?.untilMs ?? 0) - elapsedMs();
  const mayTry = (partition: number): boolean => (waiting.get(partition)?.untilMs ?? 0) <= elapsedMs();

  const claim = async (partitions: readonly number[]): Promise<void> => {
    if (partitions.length === 0) return;
    const askedMs = elapsedMs();
    const leases = await outbox.claimPartitions({ holder, partitions, leaseMs });
    for (const partition of partitions) {
      const lease = leases.find((each) => each.partition === partition);
      const before = held.get(partition);
      if (lease !== undefined && lease.fence === before?.fence) before.untilMs = askedMs + leaseMs;
      else {
        // What is under way was begun under a lease that is lost.
        busy.get(partition)?.end();
        if (lease === undefined) held.delete(partition);
        else held.set(partition, { fence: lease.fence, untilMs: askedMs + leaseMs });
      }
    }
  };

  /** Renews what is at work or has work, and takes some of what is free. True: there is more to take. */
  const takePartitions = async (): Promise<{ readonly ready: readonly number[]; readonly more: boolean }> => {
    const states = await outbox.readPartitions();
    const wanted = states.filter(({ partition, pending }) => pending && !busy.has(partition) && mayTry(partition));
    const isShort = (partition: number): boolean => leftMs(partition) < leaseMs * renewedAt;
    const free = wanted.filter(
      ({ partition, holder: by }) => !held.has(partition) && (by === undefined || by === holder),
    );
    const taken = shuffled(free, spread).slice(0, newPerLook);
    const renewed = [...busy.keys(), ...wanted.map(({ partition }) => partition)].filter(
      (partition) => held.has(partition) && isShort(partition),
    );
    await claim([...renewed, ...taken.map(({ partition }) => partition)]);
    const ready = wanted
      .map(({ partition }) => partition)
      .filter((partition) => leftMs(partition) >= leaseMs * leastToSend);
    return { ready, more: free.length > taken.length };
  };

  const look = async (): Promise<void> => {
    const { ready, more } = await takePartitions();
    const budget = batchSize - [...busy.values()].reduce((sum, { count }) => sum + count, 0);
    const served = shuffled(ready, spread).slice(0, Math.max(0, budget));
    if (served.length > 0) {
      const limitEach = Math.floor(budget / served.length);
      const events = await outbox.readPending({ partitions: served, limitEach });
      for (const partition of served) {
        const own = events.filter((event) => event.partition === partition);
        if (own.length > 0) dispatch(partition, own);
      }
    }
    if (more) news.tell();
  };

  const dispatch = (partition: number, events: readonly PendingEvent[]): void => {
    const lease = held.get(partition);
    if (lease === undefined || leftMs(partition) < leaseMs * leastToSend) return;
    const cut = new AbortController();
    const unwatch = endWithLease(lease, cut);
    const work = send(partition, lease, events, cut.signal)
      .catch(observer.onError)
      .finally(() => {
        unwatch();
        busy.delete(partition);
        news.tell();
      });
    busy.set(partition, { count: events.length, work, end: () => cut.abort() });
  };

  /** Renewed meanwhile, it goes on. Returns how to stop watching. */
  const endWithLease = (lease: Held, cut: AbortController): (() => void) => {
    let timer: NodeJS.Timeout | undefined;
    const watch = (): void => {
      const left = lease.untilMs - leaseMs * margin - elapsedMs();
      if (left <= 0) cut.abort();
      else timer = setTimeout(watch, left);
    };
    watch();
    return () => clearTimeout(timer);
  };

  const send = async (
    partition: number,
    lease: Held,
    events: readonly PendingEvent[],
    signal: AbortSignal,
  ): Promise<void> => {
    observer.onSent(events.length);
    const envelopes = events.map((event) => cloudEventOf(event, options.envelope));
    // A sink does not throw; one that did would otherwise be asked again at once, for ever.
    const answers = await sink.deliver(envelopes, signal).catch((error: unknown) => {
      observer.onError(error);
      return [];
    });
    const verdict = verdictOf(events, answers, { maxTries: options.maxTries, spread });
    noteReceiver(partition, verdict);
    const isHeard = await settle({ partition, fence: lease.fence }, verdict);
    if (isHeard) observer.onSettled(verdict);
    if (!isHeard || verdict.receiverAway) held.delete(partition);
  };

  const noteReceiver = (partition: number, { receiverAway }: Verdict): void => {
    if (!receiverAway) return void waiting.delete(partition);
    const failures = (waiting.get(partition)?.failures ?? -1) + 1;
    waiting.set(partition, { failures, untilMs: elapsedMs() + receiverPauseMs(failures, spread()) });
  };

  /**
   * Whoever cannot reach the receiver gives the partition to somebody who may. Where the store is away what was sent would be sent again:
   * it is asked until another relay may have the partition.
   */
  const settle = async (lease: Lease, { published, retries, dead, receiverAway }: Verdict): Promise<boolean> => {
    const untilMs = elapsedMs() + (stopping ? lastWordLimitMs : leaseMs);
    for (;;) {
      try {
        return await outbox.settleEvents({ lease, holder, published, retries, dead, release: receiverAway });
      } catch (error) {
        observer.onError(error);
        if (elapsedMs() >= untilMs) return false;
        await pause(settlePauseMs);
      }
    }
  };

  const tellFigures = async (): Promise<void> => {
    if (elapsedMs() - figuresAtMs < figuresPauseMs) return;
    figuresAtMs = elapsedMs();
    observer.onFigures(await outbox.countEvents());
  };

  const run = async (): Promise<void> => {
    while (!stopping) {
      await look().then(tellFigures).catch(observer.onError);
      if (!stopping) await news.wait(pollMs);
    }
  };
  const running = run();

  const sendTheRest = async (): Promise<void> => {
    const untilMs = elapsedMs() + stopLimitMs;
    for (;;) {
      await look().catch(observer.onError);
      if (busy.size === 0 || elapsedMs() >= untilMs) return;
      await news.wait(Math.max(1, untilMs - elapsedMs()));
    }
  };

  const stop = async (): Promise<void> => {
    stopping = true;
    stopHearing();
    news.tell();
    await running;
    await sendTheRest();
    for (const { end } of busy.values()) end();
    await Promise.race([Promise.all([...busy.values()].map(({ work }) => work)), pause(lastWordLimitMs)]);
    const nothing = { published: [], retries: [], dead: [], release: true } as const;
    await Promise.all(
      [...held].map(([partition, { fence }]) =>
        outbox.settleEvents({ lease: { partition, fence }, holder, ...nothing }).catch(observer.onError),
      ),
    );
    await sink.close();
  };

  let stopped: Promise<void> | undefined;
  return {
    wake: news.tell,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const shuffled = <Item>(items: readonly Item[], spread: () => number): readonly Item[] =>
  items
    .map((item) => ({ item, place: spread() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);

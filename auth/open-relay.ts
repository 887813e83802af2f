import { formatTraceparent, type TraceContext } from '@sallyport/contract';
import type { Log } from '@sallyport/kit/log';
import type { Metrics } from '@sallyport/kit/metrics';
import { systemRandom } from '@sallyport/kit/random';
import type { Spans } from '@sallyport/kit/spans';
import type { Audit } from '@sallyport/storage/contracts/audit';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { AuthSettings } from './config.ts';
import { type Drain, startDrain } from './outbox/drain.ts';
import { createElapsed } from './outbox/relay/elapsed.ts';
import { type Relay, type RelayObserver, startRelay } from './outbox/relay/relay.ts';
import { openSink } from './outbox/sinks/index.ts';
import { eventSinkName } from './outbox/sinks/name.ts';
import { type Receiver, receiverOf } from './outbox/sinks/receiver.ts';
import { traceSink } from './outbox/sinks/trace-sink.ts';

export interface RelayParts {
  readonly settings: AuthSettings;
  readonly storage: Pick<Storage, 'outbox'>;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Where batches are told as spans; undefined: nowhere. */
  readonly spans?: Pick<Spans, 'alone' | 'current'> | undefined;
}

/** The sink of the settings and a relay to it; issuer and `sallyport relay` share it. */
export const openRelay = async ({ settings, storage, metrics, log, spans }: RelayParts): Promise<Relay> => {
  const opened = await openSink(settings, { traceparent: () => traceparentOf(spans?.current()) });
  const sink = spans === undefined ? opened : traceSink(opened, spans);
  const receiver = receiverOf(eventSinkName(settings), settings);
  log.info({ sink: sink.name, receiver: receiver.receiver }, 'events are relayed');
  return startRelay({
    outbox: storage.outbox,
    sink,
    envelope: { source: settings.eventSource, schemaUrl: settings.eventSchemaUrl },
    holder: systemRandom.uuidv7(Date.now()),
    batchSize: settings.eventBatchSize,
    maxTries: settings.eventMaxTries,
    leaseMs: settings.eventLeaseSeconds * 1000,
    elapsedMs: createElapsed({ monotonicMs: () => performance.now(), wallMs: Date.now }),
    spread: Math.random,
    observer: observeRelay(metrics, log, receiver),
  });
};

const traceparentOf = (span: TraceContext | undefined): string | undefined => span && formatTraceparent(span);

const drainIntervalMs = 500;

export const openDrain = (
  storage: Pick<Storage, 'effects' | 'outbox'> & { readonly audit: Pick<Audit, 'appendAudit'> },
  metrics: Metrics,
  log: Log,
): Drain => {
  const unfit = metrics.counter({
    name: 'events_unfit_total',
    help: 'Acts whose event did not fit its published schema and was not written. Any is a fault of this version.',
  });
  return startDrain({
    ...storage,
    intervalMs: drainIntervalMs,
    onError: (err) => log.error({ err }, 'drain failed'),
    onUnfit: ({ effectId, type, members }) => {
      unfit.inc();
      log.error(
        { effectId, type, members },
        'an event does not fit its schema: it was not written, its audit record was',
      );
    },
  });
};

const batchBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

const observeRelay = (metrics: Metrics, log: Log, { receiver, hint }: Receiver): RelayObserver => {
  const batches = metrics.histogram({
    name: 'events_batch_size',
    help: 'Events of one partition that were given to the sink at once.',
    buckets: batchBuckets,
  });
  const published = metrics.counter({ name: 'events_published_total', help: 'Events that the receiver has taken.' });
  const retries = metrics.counter({
    name: 'events_refused_total',
    help: 'Events that were refused and are tried again.',
  });
  const dead = metrics.counter({ name: 'events_dead_total', help: 'Events that were refused for the last time.' });
  const away = metrics.counter({
    name: 'events_receiver_away_total',
    help: 'Batches of which the receiver took nothing: it could not be asked, or takes nothing at present.',
  });
  // The same at every relay of a store.
  const pending = metrics.gauge({
    name: 'events_pending',
    help: 'Events that have not left yet; counted up to 100,000.',
    together: 'max',
  });
  const lag = metrics.gauge({
    name: 'events_lag_seconds',
    help: 'Age of the oldest event that is next to leave; 0: none is waiting.',
    together: 'max',
  });
  const letters = metrics.gauge({
    name: 'events_dead_letters',
    help: 'Dead letters in the outbox; counted up to 100,000.',
    together: 'max',
  });
  let isAway = false;
  let isFailing = false;
  const noteReceiver = (isAwayNow: boolean, reason: string | undefined): void => {
    if (isAwayNow === isAway) return;
    isAway = isAwayNow;
    if (isAway) log.warn({ receiver, reason, hint }, 'the receiver takes no events: they wait until it does');
    else log.info({ receiver }, 'the receiver takes events again');
  };
  return {
    onSent: (count) => batches.labels({}).observe(count),
    onSettled: (verdict) => {
      isFailing = false;
      published.inc(verdict.published.length);
      retries.inc(verdict.retries.length);
      dead.inc(verdict.dead.length);
      if (verdict.receiverAway) away.inc();
      if (verdict.receiverAway || verdict.published.length > 0)
        noteReceiver(verdict.receiverAway, verdict.unavailableReason);
      for (const { effectId, reason } of verdict.dead)
        log.error({ eventId: effectId, reason }, 'an event was refused for the last time: it is a dead letter');
    },
    onFigures: (figures) => {
      isFailing = false;
      pending.set(figures.pending);
      lag.set(figures.oldestPendingMs / 1000);
      letters.set(figures.dead);
    },
    onError: (err) => {
      if (!isFailing) log.error({ err }, 'the relay failed; it goes on trying');
      isFailing = true;
    },
  };
};

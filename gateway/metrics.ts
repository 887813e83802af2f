import { createMetrics, type Metrics, type MetricsSnapshot } from '@sallyport/kit/metrics';
import { watchCertificates } from '@sallyport/kit/tls-metric';
import type { AccessTokenVerifier, RevocationFeed } from '@sallyport/verify';
import type { ReservedName } from './headers/reserved.ts';
import type { LimitStats } from './limits/open-limits.ts';
import type { BoundStats } from './revocation-bound.ts';
import type { ReloadStats } from './routes/reload-routes.ts';
import type { Upstream } from './upstreams/upstream.ts';
import type { KeyFetches } from './verifier.ts';

export interface GatewayMetrics {
  /** One ended request. `route` is a rule's path or `none`, `decision` a code or `pass`. */
  answered(route: string, status: number, decision: string, durationMs: number): void;
  /** The head of a service's answer came so long after the request was sent to it. */
  serviceAnswered(service: string, durationMs: number): void;
  /** Identity headers that a client sent. */
  spoofed(prefixes: readonly ReservedName[]): void;
  /** Shows the verified-token cache of this verifier. */
  watchVerifier(verifier: Pick<AccessTokenVerifier, 'stats'>): void;
  /** Shows how often the keys of issuers were fetched; the label is the issuer's short name. */
  watchKeys(fetches: () => readonly KeyFetches[]): void;
  /** Shows what the feed has told, and how long ago. */
  watchRevocations(feed: Pick<RevocationFeed, 'stats' | 'isReady'>): void;
  /** Shows whether the promised bound is kept, and how often it was not. */
  watchRevocationBound(bound: { stats(): BoundStats }): void;
  /** Shows whether the route file is in force. */
  watchRoutes(routes: { stats(): ReloadStats }): void;
  /** Shows which targets of the services are in; their label is the place in the list, which no client chooses. */
  watchUpstreams(table: { readonly upstreams: readonly Pick<Upstream, 'id' | 'targets'>[] }): void;
  /** Shows how counting together with other gateways goes. */
  watchLimits(stats: () => LimitStats): void;
  /** Shows until when the certificate that clients see is good. */
  watchCertificate(expiresAtMs: () => number): void;
  /** Shows the threads that serve; what it returns is told before the metrics are read. */
  watchWorkers(): (
    workers: readonly { readonly worker: number; readonly requests: number }[],
    restarts: number,
  ) => void;
  /** Shows which services answer without an assertion, once the probe knows; it is told again whenever it knows more. */
  watchProbe(): (answering: ReadonlyMap<string, boolean>) => void;
  text(): Promise<string>;
  snapshot(): Promise<MetricsSnapshot>;
  readonly contentType: string;
}

interface Series {
  /** Since the metrics were last read. */
  pending: number;
  readonly count: { inc(by: number): void };
  readonly duration: { observe(seconds: number): void };
}

const statusClasses = ['', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** The gateway's metrics. No label holds anything that a client chose. */
export const createGatewayMetrics = (): GatewayMetrics => {
  const metrics = createMetrics('sallyport_gateway_');
  const requests = metrics.counter({
    name: 'requests_total',
    help: 'Answered requests.',
    labels: ['route', 'status', 'decision'],
  });
  const durations = metrics.histogram({
    name: 'request_duration_seconds',
    help: 'From the request head to the end of the answer.',
    labels: ['route'],
  });
  const upstreamDurations = metrics.histogram({
    name: 'upstream_duration_seconds',
    help: 'From the request to a service to the head of its answer.',
    labels: ['service'],
  });
  const spoofedHeaders = metrics.counter({
    name: 'identity_headers_removed_total',
    help: 'Headers of clients in the identity namespace, removed.',
    labels: ['prefix'],
  });
  const targetsIn = metrics.gauge({
    name: 'upstream_target_in',
    help: '1: the target gets requests; 0: it is out, because requests or its health checks failed.',
    together: 'min',
    labels: ['service', 'target'],
  });
  const ejections = metrics.counter({
    name: 'upstream_ejections_total',
    help: 'How often a target went out because requests to it failed.',
    labels: ['service', 'target'],
  });
  const keyFetches = metrics.counter({
    name: 'jwks_refreshes_total',
    help: "Fetches of an issuer's key set.",
    labels: ['issuer', 'outcome'],
  });
  let watchedKeys: () => readonly KeyFetches[] = () => [];
  const collectKeys = (): void => {
    keyFetches.reset();
    for (const { issuer, fetches, failures } of watchedKeys()) {
      keyFetches.inc({ issuer, outcome: 'ok' }, fetches - failures);
      keyFetches.inc({ issuer, outcome: 'failed' }, failures);
    }
  };
  let watched: Parameters<GatewayMetrics['watchUpstreams']>[0] = { upstreams: [] };
  // Asked for when they are read: what a reload has removed leaves no series behind.
  const collectTargets = (): void => {
    targetsIn.reset();
    ejections.reset();
    for (const { id: service, targets } of watched.upstreams) {
      for (const [at, target] of targets.entries()) {
        targetsIn.set({ service, target: at }, target.isIn ? 1 : 0);
        ejections.inc({ service, target: at }, target.ejections);
      }
    }
  };
  // Finding a series by its labels costs more than counting in it.
  const kept = new Map<string, Series>();
  const byService = new Map<string, Series['duration']>();
  const seriesOf = (route: string, status: string, decision: string): Series => {
    const key = `${status} ${decision} ${route}`;
    const found = kept.get(key);
    if (found !== undefined) return found;
    const count = requests.labels({ route, status, decision });
    const series = { pending: 0, count, duration: durations.labels({ route }) };
    kept.set(key, series);
    return series;
  };
  const countPending = (): void => {
    for (const series of kept.values()) {
      if (series.pending > 0) series.count.inc(series.pending);
      series.pending = 0;
    }
  };
  return Object.freeze<GatewayMetrics>({
    answered: (route, status, decision, durationMs) => {
      const series = seriesOf(route, statusClasses[Math.floor(status / 100)] ?? 'other', decision);
      series.pending += 1;
      series.duration.observe(durationMs / 1000);
    },
    serviceAnswered: (service, durationMs) => {
      let series = byService.get(service);
      if (series === undefined) {
        series = upstreamDurations.labels({ service });
        byService.set(service, series);
      }
      series.observe(durationMs / 1000);
    },
    spoofed: (prefixes) => {
      for (const prefix of prefixes) spoofedHeaders.inc({ prefix });
    },
    watchVerifier: (verifier) => {
      for (const name of ['hits', 'verified', 'refused', 'entries', 'bytes', 'evictions'] as const) {
        metrics.gauge({
          name: `token_cache_${name}`,
          help: `Verified-token cache: ${name}.`,
          collect: () => verifier.stats()[name],
        });
      }
    },
    watchKeys: (fetches) => {
      watchedKeys = fetches;
    },
    watchRevocations: (feed) => {
      const gauges = {
        revocation_entries: ['Sessions, users and keys that are refused.', 'max', () => feed.stats().entries],
        revocation_age_seconds: [
          'Since the issuer last said that nothing is missing; past REVOCATION_BOUND_SECONDS the promise is broken.',
          'max',
          () => feed.stats().ageSeconds,
        ],
        revocation_feed_failures: ['Connections to the feed that failed or ended.', 'sum', () => feed.stats().failures],
        revocation_ready: ['1: protected routes are served.', 'min', () => (feed.isReady() ? 1 : 0)],
      } as const;
      for (const [name, [help, together, collect]] of Object.entries(gauges)) {
        metrics.gauge({ name, help, together, collect });
      }
    },
    watchRevocationBound: ({ stats }) => {
      const gauges = {
        revocation_bound_broken: [
          '1: nothing heard of the feed for longer than REVOCATION_BOUND_SECONDS.',
          'max',
          () => (stats().isBroken ? 1 : 0),
        ],
        revocation_bound_breaks: ['How often that has begun.', 'sum', () => stats().breaks],
      } as const;
      for (const [name, [help, together, collect]] of Object.entries(gauges)) {
        metrics.gauge({ name, help, together, collect });
      }
    },
    watchRoutes: ({ stats }) => {
      const gauges = {
        routes_current: [
          '1: the last reading of the routes is in force; 0: it was refused, those before it stay.',
          () => (stats().isCurrent ? 1 : 0),
        ],
        route_reloads: ['Tables put in force since the start.', () => stats().adopted],
        route_reloads_refused: ['Readings of the routes that were refused.', () => stats().refused],
      } as const;
      for (const [name, [help, collect]] of Object.entries(gauges)) metrics.gauge({ name, help, collect });
    },
    watchLimits: (stats) => {
      const gauges = {
        limits_redis_up: ['1: Redis is connected.', () => (stats().up ? 1 : 0)],
        limits_redis_failures: ['How often Redis was lost, or did not answer in time.', () => stats().failures],
        limits_rounds: ['Rounds of agreement.', () => stats().rounds],
        limits_requests_told: ['Requests let through that were told to the other gateways.', () => stats().told],
        limits_counters_untold: [
          'Counters that were too many to be told: they count here alone.',
          () => stats().forgotten,
        ],
        limits_decided_locally: ['LIMITS_MODE=exact: requests that Redis did not decide.', () => stats().local],
      } as const;
      for (const [name, [help, collect]] of Object.entries(gauges)) metrics.gauge({ name, help, collect });
    },
    watchUpstreams: (table) => {
      watched = table;
    },
    watchCertificate: watchCertificates(metrics),
    watchWorkers: () => workerGauges(metrics),
    watchProbe: () => probeGauge(metrics),
    text: () => {
      countPending();
      collectTargets();
      collectKeys();
      return metrics.text();
    },
    snapshot: () => {
      countPending();
      collectTargets();
      collectKeys();
      return metrics.snapshot();
    },
    contentType: metrics.contentType,
  });
};

const probeGauge = (metrics: Metrics): ReturnType<GatewayMetrics['watchProbe']> => {
  const answers = metrics.gauge({
    name: 'upstream_answers_without_assertion',
    help: '1: at the last probe the service answered a request for a protected path that came without an assertion.',
    labels: ['service'],
  });
  return (answering) => {
    answers.reset();
    for (const [service, isAnswering] of answering) answers.set({ service }, isAnswering ? 1 : 0);
  };
};

const workerGauges = (metrics: Metrics): ReturnType<GatewayMetrics['watchWorkers']> => {
  const requests = metrics.gauge({
    name: 'worker_requests',
    help: 'Requests that a worker has answered since its start.',
    labels: ['worker'],
  });
  const replaced = metrics.gauge({ name: 'worker_restarts', help: 'How often a worker died and was replaced.' });
  return (workers, restarts) => {
    requests.reset();
    for (const { worker, requests: answered } of workers) requests.set({ worker }, answered);
    replaced.set(restarts);
  };
};

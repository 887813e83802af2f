import { refreshRefusals } from '@sallyport/contract';
import type { AdminRouteId } from '@sallyport/contract/admin-routes';
import type { RouteId } from '@sallyport/contract/routes';
import { createMetrics, type Metrics } from '@sallyport/kit/metrics';
import { watchCertificates } from '@sallyport/kit/tls-metric';
import type { StoreStats } from '@sallyport/storage/contracts/storage';
import type { HashPool } from './factors/hash-pool.ts';
import type { OpenedPolicy } from './factors/rules/index.ts';
import type { RunningAudit } from './open-audit.ts';
import type { WatchedRedis } from './open-redis.ts';
import { sdkLabel } from './sdk-label.ts';
import type { ObserveVerb } from './time-store.ts';
import { type RefreshAnomaly, refreshAnomalies } from './tokens/refresh-anomaly.ts';
import type { UnsettledRotations } from './tokens/unsettled.ts';
import { watchPool } from './watch-pool.ts';

type WatchedAudit = Pick<RunningAudit, 'backlog' | 'collector' | 'sealer' | 'delivery'>;

export interface AuthMetrics {
  readonly metrics: Metrics;
  readonly countRefreshAnomaly: (anomaly: RefreshAnomaly) => void;
  /** How a login ended, and a refresh: `ok`, a reason of the audit, or the code of a problem. */
  readonly countLogin: (outcome: string) => void;
  readonly countRefresh: (outcome: string) => void;
  readonly observeStore: ObserveVerb;
  /** Every rule that a new password was held against, with its outcome. */
  readonly countPasswordCheck: (rule: string, outcome: string) => void;
  /** What one run of the cleanup has removed. */
  readonly countCleanup: (removed: Readonly<Record<string, number>>) => void;
  readonly countCleanupFailure: () => void;
  /** A certificate that is shown, by when it expires. */
  readonly watchCertificate: (expiresAtMs: () => number) => void;
  readonly observe: (route: RouteId | AdminRouteId | 'none', status: number, seconds: number) => void;
  /** A request that names its SDK, by the header's text. */
  readonly countSdk: (header: string) => void;
  readonly watchFeed: (feed: { readonly subscribers: number }) => void;
}

export const createAuthMetrics = (watched: {
  readonly pool: HashPool;
  readonly scorer: OpenedPolicy['scorer'];
  readonly unsettled: UnsettledRotations;
  readonly store: StoreStats;
  readonly audit: WatchedAudit;
  readonly redis?: WatchedRedis;
}): AuthMetrics => {
  const metrics = createMetrics('sallyport_auth_');
  const requests = metrics.counter({ name: 'requests_total', help: 'Answered requests.', labels: ['route', 'status'] });
  const durations = metrics.histogram({ name: 'request_duration_seconds', help: 'Time to answer.', labels: ['route'] });
  const anomalies = metrics.counter({
    name: 'refresh_anomalies_total',
    help: 'Refresh tokens that tell of a store that has gone back, of a root key that is not held here, or that came without the key they are bound to.',
    labels: ['anomaly'],
  });
  const countLogin = countEnds(metrics, 'logins_total', 'Logins, by how they ended.', ['ok', 'password']);
  const refreshOutcomes = ['ok', ...refreshRefusals];
  const countRefresh = countEnds(metrics, 'refreshes_total', 'Refreshes, by how they ended.', refreshOutcomes);
  const verbs = metrics.histogram({
    name: 'store_duration_seconds',
    help: 'What the store took for a verb that somebody waited for, failures included.',
    labels: ['verb'],
  });
  metrics.gauge({ name: 'hash_pool_active', help: 'Password hashes under way.', collect: () => watched.pool.active });
  metrics.gauge({ name: 'hash_pool_waiting', help: 'Logins waiting for a hash.', collect: () => watched.pool.waiting });
  metrics.gauge({
    name: 'hash_pool_started',
    help: 'Password hashes since the start.',
    collect: () => watched.pool.started,
  });
  const checks = metrics.counter({
    name: 'password_checks_total',
    help: 'Rules that new passwords were held against, by outcome: passed, the code of the refusal, or failed.',
    labels: ['rule', 'outcome'],
  });
  const cleaned = metrics.counter({
    name: 'cleanup_removed_total',
    help: 'Rows whose time was over, by table.',
    labels: ['table'],
  });
  const runs = metrics.counter({ name: 'cleanup_runs_total', help: 'Runs of the cleanup.', labels: ['outcome'] });
  const sdks = metrics.counter({
    name: 'sdk_requests_total',
    help: 'Logins, refreshes, key fetches and feed subscriptions that name their SDK, by its name and minor version.',
    labels: ['sdk', 'version'],
  });
  for (const anomaly of refreshAnomalies) anomalies.inc({ anomaly }, 0);
  for (const outcome of ['done', 'failed']) runs.inc({ outcome }, 0);
  watchScorer(metrics, watched.scorer);
  metrics.gauge({
    name: 'store_write_batches',
    help: 'Write transactions since the start; each waited for the disk once.',
    collect: () => watched.store.batches,
  });
  metrics.gauge({ name: 'store_write_verbs', help: 'Writes in them.', collect: () => watched.store.verbs });
  metrics.gauge({
    name: 'unsettled_rotations',
    help: 'Rotations whose commit this node does not know the outcome of.',
    collect: () => watched.unsettled.size,
  });
  watchPool(metrics, watched.store);
  watchAudit(metrics, watched.audit);
  if (watched.redis !== undefined) watchRedis(metrics, watched.redis);
  return {
    metrics,
    countPasswordCheck: (rule, outcome) => checks.inc({ rule, outcome }),
    countCleanup: (removed) => {
      runs.inc({ outcome: 'done' });
      for (const [table, count] of Object.entries(removed)) cleaned.inc({ table }, count);
    },
    countCleanupFailure: () => runs.inc({ outcome: 'failed' }),
    countSdk: (header) => {
      const label = sdkLabel(header);
      if (label !== undefined) sdks.inc({ ...label });
    },
    countRefreshAnomaly: (anomaly) => anomalies.inc({ anomaly }),
    countLogin,
    countRefresh,
    observeStore: (verb, seconds) => verbs.labels({ verb }).observe(seconds),
    watchCertificate: watchCertificates(metrics),
    watchFeed: (feed) => {
      metrics.gauge({
        name: 'revocation_feed_subscribers',
        help: 'Gateways and services that read the feed here.',
        collect: () => feed.subscribers,
      });
    },
    observe: (route, status, seconds) => {
      requests.inc({ route, status: String(status) });
      durations.labels({ route }).observe(seconds);
    },
  };
};

/** What an alert waits for is 0 from the start: a series that begins at 1 has, for Prometheus, never risen. */
const countEnds = (metrics: Metrics, name: string, help: string, outcomes: readonly string[]) => {
  const counter = metrics.counter({ name, help, labels: ['outcome'] });
  for (const outcome of outcomes) counter.inc({ outcome }, 0);
  return (outcome: string): void => counter.inc({ outcome });
};

const watchAudit = (metrics: Metrics, { backlog, collector, sealer, delivery }: WatchedAudit): void => {
  metrics.gauge({
    name: 'audit_waiting',
    help: 'Audit records that the store of the acts has and the audit trail has not yet.',
    collect: () => backlog.waiting,
  });
  metrics.gauge({
    name: 'audit_oldest_waiting_seconds',
    help: 'Age of the oldest of them.',
    together: 'max',
    collect: () => backlog.oldestSeconds,
  });
  metrics.gauge({
    name: 'audit_sealed',
    help: 'Audit records that this issuer has given their place in the chain since the start.',
    collect: () => collector.sealed + sealer.sealed,
  });
  if (delivery === undefined) return;
  metrics.gauge({
    name: 'audit_delivered',
    help: 'Audit records that this issuer has brought to the audit store since the start.',
    collect: () => delivery.delivered,
  });
  metrics.gauge({
    name: 'audit_delivery_failures',
    help: 'Batches that the audit store has not taken since the start; they are tried again.',
    collect: () => delivery.failures,
  });
};

const watchRedis = (metrics: Metrics, redis: WatchedRedis): void => {
  metrics.gauge({
    name: 'redis_up',
    help: '1 while the Redis that keeps the sessions is connected.',
    collect: () => (redis.up ? 1 : 0),
  });
  metrics.gauge({
    name: 'redis_emptied',
    help: 'How often this issuer was the first to find Redis empty where it had been used before: its sessions are lost.',
    collect: () => redis.emptied,
  });
  metrics.gauge({
    name: 'redis_restarts',
    help: 'How often this issuer was the first to find Redis started anew: nonces of what was made before are refused.',
    collect: () => redis.birth.restarts,
  });
  metrics.gauge({
    name: 'redis_unknown_nonces',
    help: 'Nonces that were refused because Redis may have forgotten that they were spent.',
    collect: () => redis.birth.unknownNonces,
  });
};

const watchScorer = (metrics: Metrics, scorer: OpenedPolicy['scorer']): void => {
  metrics.gauge({
    name: 'password_scorer_running',
    help: '1 while the thread that estimates password strength is there, with its dictionaries.',
    collect: () => (scorer.running ? 1 : 0),
  });
  metrics.gauge({
    name: 'password_scorer_waiting',
    help: 'New passwords waiting for an estimate.',
    collect: () => scorer.waiting,
  });
  metrics.gauge({
    name: 'password_scorer_started',
    help: 'Estimates since the start.',
    collect: () => scorer.started,
  });
};

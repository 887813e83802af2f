/**
 * The issuer as a server: settings in, listeners out, everything stopped in reverse order. It reads no globals and never exits the
 * process; `main.ts` does.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { issuerRoutes } from '@sallyport/contract/routes';
import { systemClock } from '@sallyport/kit/clock';
import { createLifecycle, type RunningServer, type ServerInput } from '@sallyport/kit/lifecycle';
import { listen, privateListener } from '@sallyport/kit/listener';
import { createLog, type Log, redactPathsOf } from '@sallyport/kit/log';
import { systemRandom } from '@sallyport/kit/random';
import { type ReloadingListener, type TlsParts, withCertificate } from '@sallyport/kit/tls-certificate';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { type AdminAppParts, buildAdminApp } from './admin-app.ts';
import { buildApp } from './app.ts';
import { startLimitHits } from './audit/limit-hits.ts';
import { createAuditReader } from './audit-maintenance.ts';
import type { AuthSettings } from './config.ts';
import { createHashPool } from './factors/hash-pool.ts';
import { lowerHashPriority } from './factors/hash-priority.ts';
import { openPasswordFactor } from './factors/index.ts';
import { openPasswordPolicy } from './factors/rules/index.ts';
import { loadAuthSettings } from './load-settings.ts';
import { createAuthMetrics } from './metrics.ts';
import { openAudit, startAudit } from './open-audit.ts';
import { refuseWithoutRedis, withRedis } from './open-redis.ts';
import { openDrain, openRelay } from './open-relay.ts';
import { openStore } from './open-store.ts';
import { wakeOnChange } from './outbox/wake-on-change.ts';
import { openRequestSpans, type RequestSpans } from './request-spans.ts';
import { privateTlsFiles, publicTlsFiles } from './settings/tls.ts';
import { timeStore } from './time-store.ts';
import { openKeyRing } from './tokens/key-ring.ts';
import { openRefreshTokens } from './tokens/open-refresh-tokens.ts';
import { createUnsettledRotations } from './tokens/unsettled.ts';
import { traceHashes } from './trace-hashes.ts';
import { traceStore } from './trace-store.ts';

const limitHitFlushMs = 2000;
const settleIntervalMs = 250;

export interface StartDeps {
  /** Stands between the rooms and the store: tests put waits and faults there. */
  readonly around?: (storage: Storage) => Storage;
  /**
   * INSECURE, for proofs that register thousands: a cost of bcrypt below what any setting may ask for. No setting leads here, and where no
   * test runs the start is refused.
   */
  readonly testHashCost?: number;
}

export const start = async (input: ServerInput, deps: StartDeps = {}): Promise<RunningServer> => {
  const { settings: loaded, warnings } = loadAuthSettings(input);
  const settings = withTestHashCost(loaded, deps.testHashCost, input);
  const lifecycle = createLifecycle();
  const spans = await openRequestSpans({
    ...{ settings, serviceName: settings.serviceName, random: systemRandom },
    clock: systemClock(settings.clockOffsetSeconds),
  });
  // Last of all: what ends before it is told.
  lifecycle.add({ name: 'spans', stop: () => spans?.close() });
  const log = createLog({
    name: settings.serviceName,
    level: settings.logLevel,
    current: spans?.current,
    redact: redactPathsOf(
      issuerRoutes(settings.shape).map(({ body, answers }) => ({ anyOf: [body, ...Object.values(answers)] })),
    ),
  });
  for (const warning of warnings) log.warn({ warning }, 'insecure setting');
  try {
    return await startParts(settings, { lifecycle, log, spans }, deps);
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
};

interface Surroundings {
  readonly lifecycle: ReturnType<typeof createLifecycle>;
  readonly log: Log;
  /** Undefined: nobody wants spans. */
  readonly spans: RequestSpans | undefined;
}

const startParts = async (
  settings: AuthSettings,
  { lifecycle, log, spans }: Surroundings,
  { around = (storage) => storage }: StartDeps,
): Promise<RunningServer> => {
  const clock = systemClock(settings.clockOffsetSeconds);
  const random = systemRandom;
  const sql = await openStore(settings, random);
  const { sealer, warning } = sql;
  if (warning !== undefined) log.warn({ warning }, 'root keys');
  const { storage: opened, redis } = await withRedis({ settings, sql, random, log });
  const kept = around(opened);
  lifecycle.add({ name: 'store', stop: () => kept.close() });
  if (redis === undefined) await refuseWithoutRedis(kept);
  const ring = await openKeyRing({ settings, keys: kept.keys, sealer, clock, log });
  lifecycle.add({ name: 'key ring', stop: ring.stop });
  const pool = createHashPool({
    places: availableParallelism(),
    maxWaiting: settings.hashQueueLength,
    maxWaitMs: settings.hashQueueWaitSeconds * 1000,
  });
  const password = await openPasswordFactor(settings, spans === undefined ? pool : traceHashes(pool, spans), random);
  lowerHashPriority();
  const policy = await openPasswordPolicy({
    settings,
    maxBytes: password.maxBytes,
    clock,
    observe: (rule, outcome) => countPasswordCheck(rule, outcome),
    onBreachFailure: (err) =>
      log.warn({ err, accepted: settings.passwordBreachFail === 'open' }, 'breach lookup failed'),
  });
  lifecycle.add({ name: 'password policy', stop: () => policy.close() });
  const unsettled = createUnsettledRotations({
    sessions: kept.sessions,
    overlapMs: settings.refreshOverlapSeconds * 1000,
    elapsedMs: () => performance.now(),
  });
  lifecycle.add({ name: 'unsettled rotations', stop: settleRegularly(unsettled, log) });
  const auditTrail = await openAudit({ settings, storage: kept, clock, random });
  const audit = startAudit({ opened: auditTrail, settings, storage: kept, clock, random, lifecycle, log });
  const authMetrics = createAuthMetrics({
    pool,
    scorer: policy.scorer,
    unsettled,
    store: kept.stats,
    audit,
    ...(redis && { redis }),
  });
  const { metrics, observe, countSdk, countRefreshAnomaly, countPasswordCheck, watchFeed } = authMetrics;
  // Before the drain: at the stop what that has moved last still leaves.
  if (settings.eventRelay) {
    const relay = await openRelay({ settings, storage: kept, metrics, log, spans });
    lifecycle.add({ name: 'relay', stop: () => relay.stop() });
  }
  const drain = openDrain({ ...kept, audit: audit.collector }, metrics, log);
  lifecycle.add({ name: 'effects', stop: () => drain.stop() });
  const limitHits = startLimitHits({
    effects: kept.effects,
    clock,
    path: join(settings.dataDir, `audit-limit-hits-${settings.port}.json`),
    flushMs: limitHitFlushMs,
    onError: (err) => log.error({ err }, 'writing down limits that were hit failed'),
  });
  // Before the drain: what it writes is drained as well.
  lifecycle.add({ name: 'limits that were hit', stop: limitHits.stop });
  const traced = spans === undefined ? kept : traceStore(kept, spans);
  const storage = wakeOnChange(timeStore(traced, authMetrics.observeStore), drain.wake);
  const isReady = () => answers(storage);
  const { app, feed, stopTidying, stopCleanup, privateRoutes } = await buildApp({
    settings,
    storage,
    trail: auditTrail.trail,
    cutAudit: auditTrail.cut,
    resealing: { sealer, kids: settings.rootKeys.map(({ kid }) => kid) },
    ring,
    refreshTokens: openRefreshTokens(settings),
    unsettled,
    password,
    policy,
    isReady,
    observe,
    countSdk,
    onCleanedUp: authMetrics.countCleanup,
    onCleanupFailed: authMetrics.countCleanupFailure,
    onLoginEnded: authMetrics.countLogin,
    onRefreshEnded: authMetrics.countRefresh,
    onRefreshAnomaly: (anomaly, sessionId) => {
      countRefreshAnomaly(anomaly);
      // Anybody can write a token that names an unknown key: that one is counted alone.
      if (anomaly === 'key_unknown') return;
      // A thief, or a client whose key or clock is lost: nothing has changed.
      if (anomaly === 'proof_required') log.warn({ event: anomaly, sessionId }, 'a refresh token came without its key');
      else log.error({ event: anomaly, sessionId }, 'the store has gone back');
    },
    clock,
    random,
    log,
    spans,
    onLimitHit: limitHits.note,
    aroundAct: audit.aroundAct,
  });
  lifecycle.add({ name: 'app', stop: () => app.close() });

  const port = settings.port === 0 ? 0 : settings.port + settings.portOffset;
  const tls = { log, nowMs: clock.nowMs, watch: authMetrics.watchCertificate };
  const open = await withCertificate({ ...tls, files: publicTlsFiles(settings) }, (certificate) =>
    listen({
      certificate,
      handler: app.routing,
      port,
      setting: 'AUTH_PORT',
      texts: settings.errorTexts,
      ...(settings.host && { hosts: settings.host }),
    }),
  );
  lifecycle.add({ name: 'public listener', stop: () => open.close() });
  watchFeed(feed);
  const inner = await withCertificate({ ...tls, files: privateTlsFiles(settings) }, (certificate) =>
    privateListener({
      certificate,
      port: privatePort(settings, open.port),
      ...(settings.privateHost && { hosts: settings.privateHost }),
      setting: 'AUTH_PRIVATE_PORT',
      metrics,
      ready: async () => ({ ready: await isReady(), checks: { store: await isReady() } }),
      live: () => ({ status: 'healthy', service: settings.serviceName }),
      routes: privateRoutes,
      log,
    }),
  );
  lifecycle.add({ name: 'private listener', stop: () => inner.close() });
  const admin = await openAdmin(settings, tls, {
    settings,
    storage,
    sealer,
    trail: auditTrail.trail,
    audit: createAuditReader({ settings, opened: auditTrail, storage: kept, clock }),
    ...{ password, policy, clock, random, log, observe },
    onLimitHit: limitHits.note,
    aroundAct: audit.aroundAct,
  });
  if (admin !== undefined) lifecycle.add({ name: 'admin API', stop: () => admin.close() });
  // Before its listener: the streams would be waited for.
  lifecycle.add({ name: 'revocation feed', stop: () => feed.stop() });
  lifecycle.add({ name: 'tidying of revocations', stop: stopTidying });
  lifecycle.add({ name: 'cleanup', stop: stopCleanup });
  const urls = { public: open.url, private: inner.url, ...(admin && { admin: admin.url }) };
  const reload = (): void => {
    for (const each of [open, inner, admin]) each?.reload();
  };
  return { urls, reload, stop: async () => void (await lifecycle.stop()) };
};

/** On a listener of its own, and only where it is told to: whoever reaches the feed does not reach this. */
const openAdmin = async (
  settings: AuthSettings,
  tls: Omit<TlsParts, 'files'>,
  parts: AdminAppParts,
): Promise<Pick<ReloadingListener, 'url' | 'reload' | 'close'> | undefined> => {
  const { adminPort, adminHost, portOffset } = settings;
  if (adminPort === undefined) return undefined;
  const app = await buildAdminApp(parts);
  // Its own credential says who calls; the command line would have no certificate to show.
  const files = { ...privateTlsFiles(settings), clientCaPath: undefined };
  const listener = await withCertificate({ ...tls, files }, (certificate) =>
    listen({
      certificate,
      handler: app.routing,
      port: adminPort === 0 ? 0 : adminPort + portOffset,
      setting: 'ADMIN_PORT',
      ...(adminHost && { hosts: adminHost }),
    }),
  );
  return {
    url: listener.url,
    reload: listener.reload,
    close: async () => {
      await listener.close();
      await app.close();
    },
  };
};

const withTestHashCost = (settings: AuthSettings, cost: number | undefined, { env }: ServerInput): AuthSettings => {
  if (cost === undefined) return settings;
  if (env['TESTS_ONLY'] !== 'on') throw new Error('a hash cost for tests is refused outside tests');
  return Object.freeze({ ...settings, passwordHash: 'bcrypt', bcryptCost: cost });
};

const privatePort = ({ privatePort: given, portOffset }: AuthSettings, publicPort: number): number =>
  given === undefined ? publicPort + 1000 : given === 0 ? 0 : given + portOffset;

const answers = async (storage: Storage): Promise<boolean> => {
  try {
    await storage.ping();
    return true;
  } catch {
    return false;
  }
};

const settleRegularly = (unsettled: ReturnType<typeof createUnsettledRotations>, log: Log): (() => void) => {
  const timer = setInterval(() => {
    unsettled.settle().catch((err: unknown) => log.error({ err }, 'settling rotations failed'));
  }, settleIntervalMs);
  return () => clearInterval(timer);
};

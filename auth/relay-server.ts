/**
 * The relay as a server of its own: carries events out of the store of an issuer's settings, any number of them beside any number of
 * issuers. It answers nobody but health and metrics on its private listener.
 */
import { systemClock } from '@sallyport/kit/clock';
import { SettingsError } from '@sallyport/kit/config';
import { createLifecycle, type RunningServer, type ServerInput } from '@sallyport/kit/lifecycle';
import { privateListener } from '@sallyport/kit/listener';
import { createLog, type Log } from '@sallyport/kit/log';
import { createMetrics } from '@sallyport/kit/metrics';
import { systemRandom } from '@sallyport/kit/random';
import { withCertificate } from '@sallyport/kit/tls-certificate';
import { watchCertificates } from '@sallyport/kit/tls-metric';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { AuthSettings } from './config.ts';
import { loadAuthSettings } from './load-settings.ts';
import { refuseWithoutRedis, withRedis } from './open-redis.ts';
import { openDrain, openRelay } from './open-relay.ts';
import { openStore } from './open-store.ts';
import { openRequestSpans, type RequestSpans } from './request-spans.ts';
import { privateTlsFiles } from './settings/tls.ts';
import { watchPool } from './watch-pool.ts';

const name = 'event-relay';

export const startRelayServer = async (input: ServerInput): Promise<RunningServer> => {
  const { settings, warnings } = loadAuthSettings(input);
  requireSink(settings);
  const lifecycle = createLifecycle();
  const clock = systemClock(settings.clockOffsetSeconds);
  const spans = await openRequestSpans({ settings, serviceName: name, clock, random: systemRandom });
  lifecycle.add({ name: 'spans', stop: () => spans?.close() });
  const log = createLog({ name, level: settings.logLevel, current: spans?.current });
  for (const warning of warnings) log.warn({ warning }, 'insecure setting');
  try {
    return await startParts(settings, lifecycle, { log, spans });
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
};

/** An issuer's events go to its log where nothing else is said; a relay beside it would take them away from wherever that sends them. */
const requireSink = ({ eventSink, kafkaBrokers, webhookUrl }: AuthSettings): void => {
  if (eventSink !== undefined || kafkaBrokers !== undefined || webhookUrl !== undefined) return;
  const problem =
    'is required by a relay, as the issuer has it (or KAFKA_BROKERS, WEBHOOK_URL): what goes to a log counts as published; EVENT_SINK=log where that is meant';
  throw new SettingsError([{ setting: 'EVENT_SINK', problem }]);
};

const startParts = async (
  settings: AuthSettings,
  lifecycle: ReturnType<typeof createLifecycle>,
  { log, spans }: { readonly log: Log; readonly spans: RequestSpans | undefined },
): Promise<RunningServer> => {
  const random = systemRandom;
  const { storage, redis } = await withRedis({ settings, sql: await openStore(settings, random), random, log });
  lifecycle.add({ name: 'store', stop: () => storage.close() });
  if (redis === undefined) await refuseWithoutRedis(storage);
  const metrics = createMetrics('sallyport_relay_');
  watchPool(metrics, storage.stats);
  const relay = await openRelay({ settings, storage, metrics, log, spans });
  lifecycle.add({ name: 'relay', stop: () => relay.stop() });
  // What an issuer that is gone has left behind is moved on here.
  const drain = openDrain(storage, metrics, log);
  lifecycle.add({ name: 'effects', stop: () => drain.stop() });
  const tls = { log, nowMs: systemClock(settings.clockOffsetSeconds).nowMs, watch: watchCertificates(metrics) };
  const inner = await withCertificate({ ...tls, files: privateTlsFiles(settings) }, (certificate) =>
    privateListener({
      certificate,
      port: settings.eventRelayPort === 0 ? 0 : settings.eventRelayPort + settings.portOffset,
      ...(settings.privateHost && { hosts: settings.privateHost }),
      setting: 'EVENT_RELAY_PORT',
      metrics,
      ready: () => readyState(storage),
      live: () => ({ status: 'healthy', service: name }),
      log,
    }),
  );
  lifecycle.add({ name: 'private listener', stop: () => inner.close() });
  return { urls: { private: inner.url }, reload: inner.reload, stop: async () => void (await lifecycle.stop()) };
};

const readyState = async (
  storage: Storage,
): Promise<{ readonly ready: boolean; readonly checks: { store: boolean } }> => {
  const store = await storage.ping().then(
    () => true,
    () => false,
  );
  return { ready: store, checks: { store } };
};

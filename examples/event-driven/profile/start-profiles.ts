import { Problem } from '@sallyport/contract';
import { type Environment, SettingsError } from '@sallyport/example-kit/environment';
import type { RunningServer } from '@sallyport/example-kit/run';
import { traceFields } from '@sallyport/verify';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { createProfileApp, guardProfiles, type ProfileApp, serviceName } from './app.ts';
import { type Applied, applyEvent, type ReceivedEvent } from './apply-event.ts';
import { readKafkaEvents } from './kafka-events.ts';
import { profileRoutes } from './profile-routes.ts';
import { openProfiles } from './profiles.ts';
import { readProfileSettings } from './settings.ts';
import { webhookRoutes } from './webhook-routes.ts';

/** Opens the store and listens: the routes behind the guard, events from Kafka or as posted, metrics on the private port. @throws SettingsError */
export const startProfiles = async (env: Environment): Promise<RunningServer> => {
  const settings = readProfileSettings(env);
  const profiles = openProfiles(settings.dataDir);
  const { registry, requests, refusals, events } = createMetrics();
  const app = createProfileApp(settings);
  const inner = createProfileApp(settings);
  const onEvent = (event: ReceivedEvent): Applied => {
    const outcome = applyEvent(profiles, event);
    events.inc({ outcome });
    // Never the data: it is about a person.
    if (outcome === 'unreadable') app.log.warn({ type: event.type.slice(0, 40) }, 'an event that cannot be read');
    return outcome;
  };
  await guardProfiles(app, settings, (code, reason) => refusals.inc({ code, reason }));
  profileRoutes(app, profiles);
  const nowMs = () => Date.now() + settings.clockOffsetMs;
  if (settings.webhookKeys.length > 0) webhookRoutes(app, { keys: settings.webhookKeys, nowMs, onEvent });
  for (const each of [app, inner]) stateRoutes(each, profiles.isReady);
  inner.get('/metrics', async (_request, reply) => {
    void reply.type(registry.contentType);
    return registry.metrics();
  });
  // The route's pattern, never the target: it may hold ids.
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    requests.inc({ method: request.method, route, status: reply.statusCode });
    request.log.info({ ...traceFields(request), method: request.method, route, status: reply.statusCode }, 'request');
    done();
  });
  const onTrouble = (reason: string) => app.log.warn({ reason }, 'Kafka cannot be read: it is tried every second');
  const reading = settings.kafka && readKafkaEvents({ place: settings.kafka, onEvent, onTrouble });
  const stopAll = async (): Promise<void> => {
    await Promise.all([app.close(), inner.close(), reading?.stop()]);
    profiles.close();
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= stopAll();
    return stopped;
  };
  try {
    await listen(app, settings.host, settings.port);
    await listen(inner, settings.privateHost, settings.privatePort);
  } catch (error) {
    await stop();
    throw error;
  }
  const origin = `${settings.tls === undefined ? 'http' : 'https'}://localhost`;
  return {
    urls: { public: `${origin}:${settings.port}`, private: `${origin}:${settings.privatePort}` },
    stop,
  };
};

const stateRoutes = (app: ProfileApp, isReady: () => boolean): void => {
  app.get('/health', () => ({ status: 'healthy', service: serviceName }));
  app.get('/ready', () => {
    if (!isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
};

const createMetrics = () => {
  const registry = new Registry();
  registry.setDefaultLabels({ service: serviceName });
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  return {
    registry,
    requests: counter('http_requests_total', 'Requests by method, route and status', ['method', 'route', 'status']),
    refusals: counter('gateway_assertion_refusals_total', 'Requests that did not come through the gateway, by reason', [
      'code',
      'reason',
    ]),
    events: counter('profile_events_total', 'Events by what became of them', ['outcome']),
  };
};

const listen = async (app: ProfileApp, host: string, port: number): Promise<void> => {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new SettingsError(`cannot listen on ${host}, port ${port} (${code}): set PORT or SALLYPORT_PORT_OFFSET`);
  }
};

import { randomUUID } from 'node:crypto';
import { Problem } from '@sallyport/contract';
import { type Environment, SettingsError } from '@sallyport/example-kit/environment';
import type { RunningServer } from '@sallyport/example-kit/run';
import { traceFields } from '@sallyport/verify';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { type BackendApp, backendName, createBackendApp, guardBackend } from './app.ts';
import { openDocuments } from './documents.ts';
import { backendRoutes } from './routes.ts';
import { readBackendSettings } from './settings.ts';

/** Opens the store and listens: the routes behind the guard, and metrics on the private port. @throws SettingsError */
export const startBackend = async (env: Environment): Promise<RunningServer> => {
  const settings = readBackendSettings(env);
  const documents = openDocuments(settings.dataDir);
  const { registry, requests, refusals } = createMetrics();
  const app = createBackendApp(settings);
  const inner = createBackendApp(settings);
  await guardBackend(app, settings, (code, reason) => refusals.inc({ code, reason }));
  backendRoutes(app, { documents, newId: randomUUID });
  for (const each of [app, inner]) stateRoutes(each, documents.isReady);
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
  const stop = async (): Promise<void> => {
    await Promise.all([app.close(), inner.close()]);
    documents.close();
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

const stateRoutes = (app: BackendApp, isReady: () => boolean): void => {
  app.get('/health', () => ({ status: 'healthy', service: backendName }));
  app.get('/ready', () => {
    if (!isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
};

const createMetrics = () => {
  const registry = new Registry();
  registry.setDefaultLabels({ service: backendName });
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const refusals = new Counter({
    name: 'gateway_assertion_refusals_total',
    help: 'Requests that did not come through the gateway, by reason',
    labelNames: ['code', 'reason'],
    registers: [registry],
  });
  return { registry, requests, refusals };
};

const listen = async (app: BackendApp, host: string, port: number): Promise<void> => {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new SettingsError(`cannot listen on ${host}, port ${port} (${code}): set PORT or SALLYPORT_PORT_OFFSET`);
  }
};

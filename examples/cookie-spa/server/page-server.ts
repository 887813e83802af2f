import { randomUUID } from 'node:crypto';
import { Problem } from '@sallyport/contract';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { expenseRoutes } from './expense-routes.ts';
import { openExpenses } from './expenses.ts';
import { createPageApp, type PageApp } from './page-app.ts';
import { buildPageFiles, type PageFile } from './page-files.ts';
import { securityHeaders } from './security-headers.ts';
import { type Environment, type PageSettings, readPageSettings, SettingsError } from './settings.ts';
import { createWhoCalls } from './who-calls.ts';

export interface RunningServer {
  readonly urls: { readonly public: string; readonly private: string };
  stop(): Promise<void>;
}

const name = 'expense-page';

/** Bundles the page, opens the store, and listens. @throws SettingsError */
export const startPageServer = async (env: Environment): Promise<RunningServer> => {
  const settings = readPageSettings(env);
  const files = await buildPageFiles(settings.authUrl);
  const expenses = openExpenses(settings.dataDir);
  const metrics = createMetrics();
  const headers = securityHeaders(new URL(settings.authUrl).origin);
  const app = createPageApp(name, settings.logLevel, headers);
  const inner = createPageApp(name, settings.logLevel, {});
  const whoCalls = createWhoCalls(settings.authUrl, globalThis.fetch);
  pageRoutes(app, files, settings);
  expenseRoutes(app, { expenses, whoCalls, newId: randomUUID });
  for (const each of [app, inner]) stateRoutes(each, expenses.isReady);
  inner.get('/metrics', async (_request, reply) => {
    void reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
  app.addHook('onResponse', (request, reply, done) => {
    metrics.requests.inc({ route: request.routeOptions.url ?? 'none', status: reply.statusCode });
    done();
  });
  const stop = async (): Promise<void> => {
    await Promise.all([app.close(), inner.close()]);
    expenses.close();
  };
  try {
    await listen(app, settings.host, settings.port);
    await listen(inner, 'localhost', settings.privatePort);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    urls: { public: `http://localhost:${settings.port}`, private: `http://localhost:${settings.privatePort}` },
    stop,
  };
};

/** The page's own files, to GET and HEAD only. */
const pageRoutes = (app: PageApp, files: ReadonlyMap<string, PageFile>, { port }: PageSettings): void => {
  for (const [path, { type, body, cacheControl }] of files) {
    app.get(path, (request, reply) => {
      // The issuer knows the page as `localhost`, and cookies of 127.0.0.1 are another site's.
      if (path === '/' && /^(?:127\.0\.0\.1|\[::1\]):/.test(request.headers.host ?? ''))
        return reply.redirect(`http://localhost:${port}/`, 307);
      return reply.headers({ 'content-type': type, 'cache-control': cacheControl }).send(body);
    });
  }
  app.setNotFoundHandler((request) => {
    if (files.has(request.url)) throw new Problem('method_not_allowed', { headers: { allow: 'GET, HEAD' } });
    throw new Problem('route_unknown');
  });
};

const stateRoutes = (app: PageApp, isReady: () => boolean): void => {
  app.get('/health', () => ({ status: 'healthy', service: name }));
  app.get('/ready', () => {
    if (!isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
};

const createMetrics = () => {
  const registry = new Registry();
  registry.setDefaultLabels({ service: name });
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests by route and status',
    labelNames: ['route', 'status'],
    registers: [registry],
  });
  return { registry, requests };
};

const listen = async (app: PageApp, host: string, port: number): Promise<void> => {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new SettingsError(`cannot listen on ${host}, port ${port} (${code}): set PAGE_PORT or SALLYPORT_PORT_OFFSET`);
  }
};

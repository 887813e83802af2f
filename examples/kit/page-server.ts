import { Problem } from '@sallyport/contract';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { type Environment, integerOf, SettingsError } from './environment.ts';
import { createPageApp, type PageApp } from './page-app.ts';
import { buildPageFiles, type PageFile } from './page-files.ts';
import type { RunningServer } from './run.ts';
import { securityHeaders } from './security-headers.ts';

export type { PageApp };

export interface PageListeners {
  /** Address of the public listener. Default `localhost`: both loopbacks. */
  readonly host: string;
  readonly port: number;
  readonly privatePort: number;
  readonly portOffset: number;
  readonly logLevel: string;
}

const privatePortDistance = 1000;

/** `PAGE_PORT` (or `PORT`; 3000), `SALLYPORT_PORT_OFFSET`, `HOST`, `LOG_LEVEL`. @throws SettingsError */
export const readPageListeners = (env: Environment): PageListeners => {
  const portOffset = integerOf(env, 'SALLYPORT_PORT_OFFSET', 0, 0, 50_000);
  const port = integerOf(env, env['PAGE_PORT'] === undefined ? 'PORT' : 'PAGE_PORT', 3000, 1, 65_535) + portOffset;
  if (port + privatePortDistance > 65_535) throw new SettingsError(`SALLYPORT_PORT_OFFSET moves port ${port} too far`);
  return Object.freeze({
    host: env['HOST']?.split(',')[0]?.trim() ?? 'localhost',
    port,
    privatePort: port + privatePortDistance,
    portOffset,
    logLevel: env['LOG_LEVEL'] ?? 'info',
  });
};

export interface PageServerParts {
  /** As logs and metrics name it. */
  readonly name: string;
  readonly listeners: PageListeners;
  /** `index.html`, `main.ts`, `app.css` and `icon.svg`. */
  readonly folder: URL;
  /** What stands in `index.html` for `{{name}}`. */
  readonly values: Readonly<Record<string, string>>;
  /** Origins that the page may talk to, beside its own. */
  readonly connectTo: readonly string[];
  /** Routes beside the page's files. */
  readonly routes?: (app: PageApp) => void;
  readonly isReady?: () => boolean;
  readonly close?: () => void;
}

/** Bundles a page and hands it out; metrics on the private port. @throws SettingsError */
export const startPage = async (parts: PageServerParts): Promise<RunningServer> => {
  const { name, listeners, folder, values, connectTo, routes, isReady = () => true, close } = parts;
  const files = await buildPageFiles(folder, values);
  const metrics = createMetrics(name);
  const app = createPageApp(name, listeners.logLevel, securityHeaders(connectTo));
  const inner = createPageApp(name, listeners.logLevel, {});
  pageRoutes(app, files, listeners);
  routes?.(app);
  for (const each of [app, inner]) stateRoutes(each, name, isReady);
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
    close?.();
  };
  try {
    await listen(app, listeners.host, listeners.port);
    await listen(inner, 'localhost', listeners.privatePort);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    urls: { public: `http://localhost:${listeners.port}`, private: `http://localhost:${listeners.privatePort}` },
    stop,
  };
};

/** The page's own files, to GET and HEAD only. */
const pageRoutes = (app: PageApp, files: ReadonlyMap<string, PageFile>, { port }: PageListeners): void => {
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

const stateRoutes = (app: PageApp, service: string, isReady: () => boolean): void => {
  app.get('/health', () => ({ status: 'healthy', service }));
  app.get('/ready', () => {
    if (!isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
};

const createMetrics = (service: string) => {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
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

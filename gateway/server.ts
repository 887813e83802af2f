/**
 * The gateway as a server: settings in, listeners out, everything stopped in reverse order. It reads no globals and never exits
 * the process; `main.ts` does.
 */
import { systemClock } from '@sallyport/kit/clock';
import { createLifecycle, type Lifecycle, type RunningServer, type ServerInput } from '@sallyport/kit/lifecycle';
import { privateListener } from '@sallyport/kit/listener';
import { bufferedStdout, createLog, type Log } from '@sallyport/kit/log';
import { systemRandom } from '@sallyport/kit/random';
import { withCertificate } from '@sallyport/kit/tls-certificate';
import { createGateway } from './app.ts';
import { checkGatewaySettings, type GatewaySettings } from './config.ts';
import { openLimits } from './limits/open-limits.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { createGatewayMetrics } from './metrics.ts';
import { followRules } from './probe/follow-rules.ts';
import { createSharedProofs, openProofs } from './proof/open-proofs.ts';
import { openPublic, publicPort } from './public-listener.ts';
import { openSpans } from './request-spans.ts';
import { type OpenRoutes, openRoutes } from './routes/open-routes.ts';
import { privateTlsFiles } from './settings/tls.ts';
import { type Serving, type StartWorkersOptions, startWorkers } from './workers/start-workers.ts';
import { workerCount } from './workers/worker-count.ts';

export const start = async (input: ServerInput): Promise<RunningServer> => {
  const { settings: given, warnings } = loadGatewaySettings(input, checkGatewaySettings);
  const routes = await openRoutes(given);
  const { settings } = routes;
  const log = createLog({ name: settings.serviceName, level: settings.logLevel, destination: bufferedStdout() });
  for (const warning of warnings) log.warn({ warning }, 'insecure setting');
  const lifecycle = createLifecycle();
  lifecycle.add({ name: 'log', stop: () => flush(log) });
  try {
    return await startParts(routes, lifecycle, log);
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
};

const startParts = async (routes: OpenRoutes, lifecycle: Lifecycle, log: Log): Promise<RunningServer> => {
  const { settings } = routes;
  const metrics = createGatewayMetrics();
  const workers = workerCount(settings);
  const parts = { settings, lifecycle, log, metrics, random: systemRandom };
  const serving = workers === 1 ? await serveAlone(parts) : await startWorkers({ ...parts, workers, writeLines });
  const tls = { files: privateTlsFiles(settings), log, nowMs: systemClock(settings.clockOffsetSeconds).nowMs };
  const inner = await withCertificate({ ...tls, watch: metrics.watchCertificate }, (certificate) =>
    privateListener({
      certificate,
      port: privatePort(settings, serving.port),
      ...(settings.privateHost && { hosts: settings.privateHost }),
      setting: 'GATEWAY_PRIVATE_PORT',
      metrics: serving.metrics,
      ready: () => ({ ready: serving.isReady(), checks: { keys: serving.isReady() } }),
      live: () => ({ status: 'healthy', service: settings.serviceName }),
      log,
    }),
  );
  lifecycle.add({ name: 'private listener', stop: () => inner.close() });
  const probing = followRules(serving, { settings, metrics, log });
  lifecycle.add({ name: 'probe', stop: () => probing.close() });
  const reloading = routes.follow({ source: probing, metrics, log });
  lifecycle.add({ name: 'route file', stop: () => reloading?.close() });
  return {
    urls: { public: serving.url, private: inner.url },
    // Without a file there is nothing to read again, and SIGHUP, which ends a process that does not wait for it, does no harm.
    reload: () => {
      reloading?.reload();
      serving.reloadCertificates();
      inner.reload();
    },
    stop: async () => void (await lifecycle.stop()),
  };
};

const serveAlone = async (options: Omit<StartWorkersOptions, 'workers' | 'writeLines'>): Promise<Serving> => {
  const { settings, lifecycle, log, metrics, random } = options;
  const parts = { log, random, elapsedMs: () => performance.now() };
  const limits = await openLimits({ ...parts, settings });
  lifecycle.add({ name: 'limits', stop: limits.close });
  if (limits.stats !== undefined) metrics.watchLimits(limits.stats);
  const clock = systemClock(settings.clockOffsetSeconds);
  const proofs = await openProofs({ settings, log, random, clock }, createSharedProofs(random, clock.nowMs()));
  lifecycle.add({ name: 'proofs', stop: () => proofs.close() });
  const tracing = await openSpans(settings);
  lifecycle.add({ name: 'spans', stop: () => tracing?.close() });
  const gateway = createGateway(settings, { ...parts, metrics, clock, tracing, proofs, makeLimiter: limits.make });
  lifecycle.add({ name: 'upstreams', stop: () => gateway.close() });
  gateway.isReady();
  const open = await openPublic(settings, gateway, { port: publicPort(settings), log, clock, metrics });
  lifecycle.add({ name: 'public listener', stop: () => open.close() });
  // Before its listener, which would wait for them.
  lifecycle.add({ name: 'tunnels', stop: () => gateway.endTunnels() });
  const reloadCertificates = (): void => {
    open.reload();
    gateway.reloadCertificates();
  };
  const { port, url } = open;
  return { port, url, metrics, isReady: gateway.isReady, adopt: gateway.adopt, reloadCertificates };
};

/** Lines of workers come as they are to be written. */
const writeLines = (text: string): void => bufferedStdout().write(text);

const privatePort = ({ privatePort: given, portOffset }: GatewaySettings, publicPort: number): number => {
  if (given === undefined) return publicPort + 1000;
  return given === 0 ? 0 : given + portOffset;
};

const flush = (log: Log): Promise<void> => new Promise((resolve) => log.flush(() => resolve()));

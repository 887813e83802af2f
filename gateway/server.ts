/**
 * The gateway as a server: settings in, listeners out, everything stopped in reverse order. It reads no globals and never exits
 * the process; `main.ts` does.
 */
import { systemClock } from '@sallyport/kit/clock';
import { createLifecycle, type Lifecycle, type RunningServer, type ServerInput } from '@sallyport/kit/lifecycle';
import { privateListener } from '@sallyport/kit/listener';
import { bufferedStdout, createLog, type Log } from '@sallyport/kit/log';
import { systemRandom } from '@sallyport/kit/random';
import { createGateway } from './app.ts';
import { checkGatewaySettings, type GatewaySettings } from './config.ts';
import { openLimits } from './limits/open-limits.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { createGatewayMetrics } from './metrics.ts';
import { openPublic, publicPort } from './public-listener.ts';
import { type OpenRoutes, openRoutes } from './routes/open-routes.ts';

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
  const parts = { log, random: systemRandom, elapsedMs: () => performance.now() };
  const limits = await openLimits({ ...parts, settings });
  lifecycle.add({ name: 'limits', stop: limits.close });
  if (limits.stats !== undefined) metrics.watchLimits(limits.stats);
  const clock = systemClock(settings.clockOffsetSeconds);
  const gateway = createGateway(settings, { ...parts, metrics, clock, makeLimiter: limits.make });
  lifecycle.add({ name: 'upstreams', stop: () => gateway.close() });
  gateway.isReady();
  const open = await openPublic(settings, gateway, { port: publicPort(settings) });
  lifecycle.add({ name: 'public listener', stop: () => open.close() });
  // Before its listener, which would wait for them.
  lifecycle.add({ name: 'tunnels', stop: () => gateway.endTunnels() });
  const inner = await privateListener({
    port: privatePort(settings, open.port),
    setting: 'GATEWAY_PRIVATE_PORT',
    metrics,
    ready: () => ({ ready: gateway.isReady(), checks: { keys: gateway.isReady() } }),
    live: () => ({ status: 'healthy', service: settings.serviceName }),
    log,
  });
  lifecycle.add({ name: 'private listener', stop: () => inner.close() });
  const reloading = routes.follow({ source: gateway, metrics, log });
  lifecycle.add({ name: 'route file', stop: () => reloading?.close() });
  return {
    urls: { public: open.url, private: inner.url },
    ...(reloading && { reload: reloading.reload }),
    stop: async () => void (await lifecycle.stop()),
  };
};

const privatePort = ({ privatePort: given, portOffset }: GatewaySettings, publicPort: number): number => {
  if (given === undefined) return publicPort + 1000;
  return given === 0 ? 0 : given + portOffset;
};

const flush = (log: Log): Promise<void> => new Promise((resolve) => log.flush(() => resolve()));

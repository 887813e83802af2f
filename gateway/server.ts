/**
 * The gateway as a server: settings in, listeners out, everything stopped in reverse order. It reads no globals and never exits
 * the process; `main.ts` does.
 */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemClock } from '@sallyport/kit/clock';
import { createLifecycle, type Lifecycle, type RunningServer, type ServerInput } from '@sallyport/kit/lifecycle';
import { listen, privateListener } from '@sallyport/kit/listener';
import { bufferedStdout, createLog, type Log } from '@sallyport/kit/log';
import { answerClientError } from '@sallyport/kit/problem';
import { systemRandom } from '@sallyport/kit/random';
import { createGateway, type Gateway } from './app.ts';
import { checkGatewaySettings, type GatewaySettings } from './config.ts';
import { openLimits } from './limits/open-limits.ts';
import { endSocket } from './linger.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { createGatewayMetrics } from './metrics.ts';
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
  const open = await openPublic(settings, gateway);
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

const openPublic = (settings: GatewaySettings, gateway: Gateway) =>
  listen({
    handler: gateway.handle,
    port: settings.port === 0 ? 0 : settings.port + settings.portOffset,
    setting: 'GATEWAY_PORT',
    texts: settings.errorTexts,
    ...(settings.host && { hosts: settings.host }),
    serverOptions: {
      insecureHTTPParser: false,
      // The gateway's own step asks for Host, and answers with a problem; node:http would answer with nothing.
      requireHostHeader: false,
      // Everything else with an Upgrade is an ordinary request, and refused as one.
      shouldUpgradeCallback: ({ headers }) =>
        headers.upgrade?.toLowerCase() === 'websocket' &&
        headers['content-length'] === undefined &&
        headers['transfer-encoding'] === undefined,
    },
    configure: (server) => {
      server.on('checkContinue', gateway.handleExpecting);
      // RFC 9110 §10.1.1: another expectation MAY be refused. node:http would, past the log and the flood limit.
      server.on('checkExpectation', gateway.handle);
      server.on('upgrade', (req, socket, head) => answerUpgrade(req, socket, head, gateway, settings));
      refuseConnect(server, settings);
    },
  });

/** node:http hands the bare socket over: a response of our own on it takes the request through all steps. */
const answerUpgrade = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  gateway: Gateway,
  { errorTexts }: GatewaySettings,
): void => {
  if (!(socket instanceof Socket)) return void socket.destroy();
  socket.on('error', () => socket.destroy());
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  if (!takeSocket(res, socket)) {
    answerClientError(new Error('a handshake behind a request that has no answer yet'), socket, errorTexts);
    return;
  }
  // RFC 6455 §4.1: nothing may be sent before the handshake is answered; what came is read by whoever gets the socket.
  if (head.length > 0) socket.unshift(head);
  res.once('finish', () => endSocket(socket));
  gateway.handleUpgrade(req, res);
};

/** False: the socket is still that of an answer to a request before, whose client did not wait for it. */
const takeSocket = (res: ServerResponse, socket: Socket): boolean => {
  try {
    res.assignSocket(socket);
    return true;
  } catch {
    return false;
  }
};

/** RFC 9110 §9.3.6: CONNECT asks for a tunnel, in which nothing would be checked. */
const refuseConnect = (server: Server, { errorTexts }: GatewaySettings): void => {
  server.on('connect', (_, socket) => {
    if (socket instanceof Socket) answerClientError(new Error('CONNECT'), socket, errorTexts);
    else socket.destroy();
  });
};

const privatePort = ({ privatePort: given, portOffset }: GatewaySettings, publicPort: number): number => {
  if (given === undefined) return publicPort + 1000;
  return given === 0 ? 0 : given + portOffset;
};

const flush = (log: Log): Promise<void> => new Promise((resolve) => log.flush(() => resolve()));

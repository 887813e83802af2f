/**
 * The gateway as a server: settings in, listeners out, everything stopped in reverse order. It reads no globals and never exits
 * the process; `main.ts` does.
 */
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { systemClock } from '@sallyport/kit/clock';
import { createLifecycle, type Lifecycle, type RunningServer, type ServerInput } from '@sallyport/kit/lifecycle';
import { listen, privateListener } from '@sallyport/kit/listener';
import { bufferedStdout, createLog, type Log } from '@sallyport/kit/log';
import { answerClientError } from '@sallyport/kit/problem';
import { systemRandom } from '@sallyport/kit/random';
import { createGateway, type Gateway } from './app.ts';
import { checkGatewaySettings, type GatewaySettings } from './config.ts';
import { loadGatewaySettings } from './load-settings.ts';
import { createGatewayMetrics } from './metrics.ts';

export const start = async (input: ServerInput): Promise<RunningServer> => {
  const { settings, warnings } = loadGatewaySettings(input, checkGatewaySettings);
  const log = createLog({ name: settings.serviceName, level: settings.logLevel, destination: bufferedStdout() });
  for (const warning of warnings) log.warn({ warning }, 'insecure setting');
  const lifecycle = createLifecycle();
  lifecycle.add({ name: 'log', stop: () => flush(log) });
  try {
    return await startParts(settings, lifecycle, log);
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
};

const startParts = async (settings: GatewaySettings, lifecycle: Lifecycle, log: Log): Promise<RunningServer> => {
  const metrics = createGatewayMetrics();
  const gateway = createGateway(settings, {
    log,
    metrics,
    clock: systemClock(settings.clockOffsetSeconds),
    random: systemRandom,
    elapsedMs: () => performance.now(),
  });
  lifecycle.add({ name: 'upstreams', stop: () => gateway.close() });
  gateway.isReady();
  const open = await openPublic(settings, gateway);
  lifecycle.add({ name: 'public listener', stop: () => open.close() });
  const inner = await privateListener({
    port: privatePort(settings, open.port),
    setting: 'GATEWAY_PRIVATE_PORT',
    metrics,
    ready: () => ({ ready: gateway.isReady(), checks: { keys: gateway.isReady() } }),
    live: () => ({ status: 'healthy', service: settings.serviceName }),
    log,
  });
  lifecycle.add({ name: 'private listener', stop: () => inner.close() });
  return { urls: { public: open.url, private: inner.url }, stop: async () => void (await lifecycle.stop()) };
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
    },
    configure: (server) => {
      server.on('checkContinue', gateway.handleExpecting);
      // RFC 9110 §10.1.1: another expectation MAY be refused. node:http would, past the log and the flood limit.
      server.on('checkExpectation', gateway.handle);
      refuseConnect(server, settings);
    },
  });

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

import { randomUUID } from 'node:crypto';
import { Problem } from '@sallyport/contract';
import { type Environment, SettingsError } from '@sallyport/example-kit/environment';
import type { RunningServer } from '@sallyport/example-kit/run';
import { createBearerGuard, traceFields } from '@sallyport/verify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type ChatApp, chatName, chatTexts, createChatApp, guardChat } from './app.ts';
import { type Callers, openCallers } from './callers.ts';
import { openRooms } from './rooms.ts';
import { chatRoutes } from './routes.ts';
import { readChatSettings } from './settings.ts';
import { isHandshake, openStream, type Stream } from './stream.ts';

/** Gets the issuer's key, opens the store and listens: the routes behind the guard, the stream, and metrics on the private port. @throws SettingsError */
export const startChat = async (env: Environment): Promise<RunningServer> => {
  const settings = readChatSettings(env);
  const nowMs = (): number => Date.now() + settings.clockOffsetMs;
  let stream: Stream | undefined;
  const callers = await openCallers(settings, () => stream?.cut());
  const rooms = openRooms(settings.dataDir, settings.roomsPerUser);
  const { registry, requests, refusals } = createMetrics(() => stream?.connections ?? 0);
  const guard = createBearerGuard({
    verifier: callers.verifier,
    texts: chatTexts,
    unguarded: ['GET /health', 'GET /ready'],
    publicUrl: settings.publicUrl,
    proofs: { clock: { nowMs }, leewaySeconds: settings.leewaySeconds },
    onRefusal: (code, reason) => refusals.inc({ code, reason }),
  });
  const app = createChatApp(settings, isHandshake);
  const inner = createChatApp(settings);
  await guardChat(app, guard, settings);
  stream = openStream({ server: app.server, callers, guard, nowMs, ...settings });
  const live = stream;
  chatRoutes(app, {
    rooms,
    roomsPerUser: settings.roomsPerUser,
    newId: randomUUID,
    nowMs,
    onMessage: (roomId, message) => live.send(roomId, message, rooms.members(roomId)),
  });
  for (const each of [app, inner]) stateRoutes(each, callers, rooms.isReady);
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
    live.close();
    await Promise.all([app.close(), inner.close()]);
    await callers.close();
    rooms.close();
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

const stateRoutes = (app: ChatApp, callers: Callers, isStoreReady: () => boolean): void => {
  app.get('/health', () => ({ status: 'healthy', service: chatName }));
  app.get('/ready', () => {
    if (!isStoreReady() || !callers.isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
};

const createMetrics = (connections: () => number) => {
  const registry = new Registry();
  registry.setDefaultLabels({ service: chatName });
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const refusals = new Counter({
    name: 'access_token_refusals_total',
    help: 'Requests without a good access token, by reason',
    labelNames: ['code', 'reason'],
    registers: [registry],
  });
  new Gauge({
    name: 'chat_stream_connections',
    help: 'Open WebSockets',
    registers: [registry],
    collect() {
      this.set(connections());
    },
  });
  return { registry, requests, refusals };
};

const listen = async (app: ChatApp, host: string, port: number): Promise<void> => {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new SettingsError(`cannot listen on ${host}, port ${port} (${code}): set PORT or SALLYPORT_PORT_OFFSET`);
  }
};

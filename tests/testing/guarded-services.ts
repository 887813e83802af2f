/** One service behind each of the SDK's adapters, each with a guard of its own, answering with the user that it was told of. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type Caller, createGuard, type Guard } from '@sallyport/verify';
import { guardExpress } from '@sallyport/verify/express';
import { guardFastify } from '@sallyport/verify/fastify';
import { guardFetch } from '@sallyport/verify/fetch';
import { type GuardedEnv, guardHono } from '@sallyport/verify/hono';
import { guardNode } from '@sallyport/verify/node';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

const userOf = (caller: Caller): string => (caller?.kind === 'user' ? caller.userId : 'nobody');

const expressApp = (guard: Guard): RequestListener => {
  const app = express();
  app.use(guardExpress(guard));
  app.use((request, response) => void response.send(userOf(request.identity)));
  return app;
};

const fastifyApp = async (guard: Guard): Promise<RequestListener> => {
  const app = fastify();
  await app.register(guardFastify(guard));
  app.all('/*', (request) => userOf(request.identity));
  app.setNotFoundHandler((request) => userOf(request.identity));
  await app.ready();
  return (request, response) => app.routing(request, response);
};

const honoApp = (guard: Guard): RequestListener => {
  const app = new Hono<GuardedEnv>();
  app.use(guardHono(guard));
  app.all('*', (context) => context.text(userOf(context.get('identity'))));
  return listenerOf(app.fetch);
};

const listenerOf = (handler: Parameters<typeof getRequestListener>[0]): RequestListener => {
  const listen = getRequestListener(handler);
  return (request, response) => void listen(request, response);
};

const apps: Readonly<Record<string, (guard: Guard) => RequestListener | Promise<RequestListener>>> = {
  node: (guard) => guardNode(guard, (_request, response, caller) => void response.end(userOf(caller))),
  express: expressApp,
  fastify: fastifyApp,
  hono: honoApp,
  fetch: (guard) => listenerOf(guardFetch(guard, (_request, caller) => new Response(userOf(caller)))),
};

export interface GuardedService {
  readonly adapter: string;
  readonly url: string;
  close(): void;
}

/** @param keys the service's GATEWAY_ASSERTION_KEYS */
export const startGuardedServices = async (service: string, keys: string): Promise<readonly GuardedService[]> =>
  Promise.all(
    Object.entries(apps).map(async ([adapter, app]) => {
      const server = createServer(await app(createGuard({ service, env: { GATEWAY_ASSERTION_KEYS: keys } })));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return {
        adapter,
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () => server.close().closeAllConnections(),
      };
    }),
  );

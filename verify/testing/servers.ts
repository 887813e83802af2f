import { createServer, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { guardExpress } from '../adapters/express.ts';
import { guardFastify } from '../adapters/fastify.ts';
import { guardFetch } from '../adapters/fetch.ts';
import { type GuardedEnv, guardHono } from '../adapters/hono.ts';
import { guardNode } from '../adapters/node.ts';
import type { Caller, Guard } from '../index.ts';

/** What each server's handler saw, as JSON. */
export interface Seen {
  readonly caller: Caller | null;
  readonly headers: readonly string[];
}

const seen = (caller: Caller, ...headers: readonly (readonly string[])[]): string =>
  JSON.stringify({ caller: caller ?? null, headers: headers.flat().map((name) => name.toLowerCase()) });

const names = (raw: readonly string[]): readonly string[] => raw.filter((_value, index) => index % 2 === 0);

const nodeApp = (guard: Guard): RequestListener =>
  guardNode(guard, (incoming, response, caller) => {
    response.end(
      seen(caller, names(incoming.rawHeaders), Object.keys(incoming.headers), Object.keys(incoming.headersDistinct)),
    );
  });

const expressApp = (guard: Guard): RequestListener => {
  const app = express();
  app.use(guardExpress(guard));
  // Mounted again, below a path that Express takes off `url`.
  app.use('/mounted', guardExpress(guard));
  app.use((incoming, response) => {
    response.send(seen(incoming.identity, names(incoming.rawHeaders), Object.keys(incoming.headers)));
  });
  return app;
};

const fastifyApp = async (guard: Guard): Promise<RequestListener> => {
  const app = fastify({ rewriteUrl: ({ url = '/' }) => `/rewritten${url}` });
  await app.register(guardFastify(guard));
  await app.register((room, _options, done) => {
    room.all('/rewritten/*', (incoming) =>
      seen(incoming.identity, names(incoming.raw.rawHeaders), Object.keys(incoming.headers)),
    );
    done();
  });
  app.setNotFoundHandler((incoming) => seen(incoming.identity, Object.keys(incoming.headers)));
  await app.ready();
  return (incoming, response) => app.routing(incoming, response);
};

const honoApp = (guard: Guard): RequestListener => {
  const app = new Hono<GuardedEnv>();
  // Headers read before the guard must not stay readable after it.
  app.use((context, next) => (context.req.header('x-user-id') === 'never' ? Promise.resolve() : next()));
  app.use(guardHono(guard));
  app.all('*', (context) => context.text(seen(context.get('identity'), Object.keys(context.req.header()))));
  const listen = getRequestListener(app.fetch);
  return (incoming, response) => void listen(incoming, response);
};

const fetchApp = (guard: Guard): RequestListener =>
  getRequestListener(guardFetch(guard, (incoming, caller) => new Response(seen(caller, [...incoming.headers.keys()]))));

export const frameworks = ['node', 'express', 'fastify', 'hono', 'fetch'] as const;
export type Framework = (typeof frameworks)[number];

export interface RunningServer {
  readonly port: number;
  stop(): void;
}

/** Starts one framework's server on loopback, with the guard before an echoing handler. */
export const startServer = async (framework: Framework, guard: Guard): Promise<RunningServer> => {
  const apps = { node: nodeApp, express: expressApp, fastify: fastifyApp, hono: honoApp, fetch: fetchApp };
  const server: Server = createServer(await apps[framework](guard));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => server.close().closeAllConnections(),
  };
};

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends a request whose target is written as it is. */
export const send = (
  { port }: RunningServer,
  path: string,
  headers: Readonly<Record<string, string | string[]>> = {},
  method = 'GET',
): Promise<WireAnswer> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', path, method, headers }, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    outgoing.on('error', reject).end();
  });

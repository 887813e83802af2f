/**
 * Between Fastify and the doors of the admin API: asks who calls before a body is read, builds requests, writes answers, the log line, and a
 * record of everything that was read. What every route needs is here, so that no door can forget it. It knows no use case.
 */
import type { IncomingMessage } from 'node:http';
import { defaultRealm, isUserId, Problem } from '@sallyport/contract';
import {
  type AdminRouteDefinition,
  type AdminRouteId,
  adminBasePath,
  adminRoutes,
} from '@sallyport/contract/admin-routes';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import { childOf } from '@sallyport/kit/traceparent';
import type { EffectData, Effects } from '@sallyport/storage/contracts/effects';
import { type ActContext, StoreUnavailable } from '@sallyport/storage/contracts/store';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Intents } from './audit/intents.ts';
import type { createAuthenticateService } from './authenticate-service.ts';
import { assertionHeader } from './client-address.ts';
import { type Beginning, logAnswer } from './log-answer.ts';
import type { Acting, Operations } from './operations.ts';
import type { AdminHandlers, AdminRequest, RouteAnswer, ServiceCaller } from './route.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly adminRoute?: AdminRouteDefinition;
  }
}

export interface MountAdminOptions {
  readonly handlers: AdminHandlers;
  readonly authenticate: ReturnType<typeof createAuthenticateService>;
  readonly operationsOf: (acting: Acting) => Operations;
  readonly aroundAct: Intents['around'];
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly random: Random;
  readonly log: Log;
  readonly observe: (route: AdminRouteId | 'none', status: number, seconds: number) => void;
  readonly onLimitHit: (route: AdminRouteId, context: ActContext) => void;
}

interface Seen extends Beginning {
  caller?: ServiceCaller;
}

const seenRequests = new WeakMap<IncomingMessage, Seen>();

/** No service sends these: a browser does, or a gateway that was led here by mistake. */
const foreignHeaders = ['cookie', 'origin', assertionHeader] as const;

const retryAfterSeconds = 2;
const userAgentLimit = 500;

export const mountAdminRoutes = (app: FastifyInstance, options: MountAdminOptions): void => {
  app.addHook('onRequest', async (request) => {
    const trace = childOf(request.headers['traceparent'], options.random);
    seenRequests.set(request.raw, { startedMs: performance.now(), trace });
  });
  app.addHook('onRequest', async (request) => admit(request, options));
  app.addHook('preHandler', async (request) => admitAgain(request, options));
  app.addHook('onResponse', async (request, reply) => observe(request, reply, options));
  for (const route of adminRoutes) mountRoute(app, route, options);
};

/** What ties a line of the log to the request that is answered meanwhile. */
export const adminTraceFieldsOf = (req: IncomingMessage): Readonly<Record<string, string>> => {
  const seen = seenRequests.get(req);
  return seen === undefined ? {} : { traceId: seen.trace.traceId, spanId: seen.trace.spanId };
};

/** Before the body is read: of whoever is not known, nothing is parsed. */
const admit = async (request: FastifyRequest, options: MountAdminOptions): Promise<void> => {
  const route = request.routeOptions.config.adminRoute;
  if (route === undefined) return;
  for (const header of foreignHeaders)
    if (request.headers[header] !== undefined) throw new Problem('header_invalid', { params: { header } });
  if ((request.raw.headersDistinct['authorization']?.length ?? 0) > 1)
    throw new Problem('header_invalid', { params: { header: 'authorization' } });
  await authenticate(request, route, options);
};

/** The body may have come long after the head, and the credential have been revoked meanwhile. */
const admitAgain = async (request: FastifyRequest, options: MountAdminOptions): Promise<void> => {
  const route = request.routeOptions.config.adminRoute;
  if (route !== undefined && request.body !== undefined) await authenticate(request, route, options, true);
};

const authenticate = async (
  request: FastifyRequest,
  { id, scope }: AdminRouteDefinition,
  options: MountAdminOptions,
  isAgain = false,
): Promise<void> => {
  const context = contextOf(request, 'user');
  const { authorization } = request.headers;
  try {
    const caller = await options.authenticate({ route: id, scope, authorization, context, isAgain });
    const seen = seenRequests.get(request.raw);
    if (seen !== undefined) seen.caller = caller;
  } catch (error) {
    if (error instanceof Problem && error.code === 'rate_limited') options.onLimitHit(id, context);
    throw translateOutage(error);
  }
};

const mountRoute = (app: FastifyInstance, route: AdminRouteDefinition, options: MountAdminOptions): void => {
  app.route({
    method: route.method,
    url: `${adminBasePath}${route.path}`,
    config: { adminRoute: route },
    schema: {
      ...(route.body && { body: route.body }),
      ...(route.params && { params: route.params }),
      querystring: route.query ?? { type: 'object', additionalProperties: false },
      response: route.answers,
    },
    handler: async (request, reply) => {
      try {
        const built = buildRequest(request, options);
        const answer = await options.handlers[route.id](built);
        if (route.method === 'GET') await noteRead(route, built, options);
        return await write(reply, answer);
      } catch (error) {
        throw translateOutage(error);
      }
    },
  });
};

const buildRequest = (request: FastifyRequest, { operationsOf, aroundAct }: MountAdminOptions): AdminRequest => {
  const caller = seenRequests.get(request.raw)?.caller;
  // The hook has refused whoever is not known; were it gone, nobody would be let in.
  if (caller === undefined) throw new Problem('credential_invalid');
  const context = contextOf(request, caller.id);
  return {
    body: (request.body ?? {}) as Readonly<Record<string, unknown>>,
    params: (request.params ?? {}) as Readonly<Record<string, string>>,
    query: (request.query ?? {}) as Readonly<Record<string, string>>,
    caller,
    context,
    operations: operationsOf({ context: () => context, around: aroundAct }),
  };
};

/** Who has looked at what. Not what was searched for: that may be somebody's name, and would outlive his erasure. */
const noteRead = async (
  { id: route }: AdminRouteDefinition,
  { query, params, context }: AdminRequest,
  { effects }: MountAdminOptions,
): Promise<void> => {
  if (route === 'adminListAudit') {
    await effects.appendEffects([{ act: 'audit.read', realmId: defaultRealm, data: { ...query }, context }]);
    return;
  }
  const { search, after: _after, ...told } = query;
  const data: EffectData = { route, ...told, ...(search !== undefined && { search: true }) };
  const userId = isUserId(params['id']) ? params['id'] : undefined;
  const draft = { act: 'admin.read', realmId: defaultRealm, data, context } as const;
  await effects.appendEffects([{ ...draft, ...(userId !== undefined && { userId }) }]);
};

/** The address is the socket's: nobody stands in between. */
const contextOf = (request: FastifyRequest, actor: ActContext['actor']): ActContext => {
  const { remoteAddress: address } = request.raw.socket;
  const userAgent = request.headers['user-agent']?.slice(0, userAgentLimit);
  return {
    requestId: request.id,
    actor,
    ...(address !== undefined && { address }),
    ...(userAgent !== undefined && { userAgent }),
  };
};

/** A store that cannot answer is 503 with Retry-After; never a verdict on a credential. */
const translateOutage = (error: unknown): unknown =>
  error instanceof StoreUnavailable ? new Problem('store_unavailable', { retryAfterSeconds, cause: error }) : error;

const observe = (request: FastifyRequest, reply: FastifyReply, { log, observe: count }: MountAdminOptions): void => {
  const seen = seenRequests.get(request.raw);
  const route = request.routeOptions.config.adminRoute?.id;
  const address = request.raw.socket.remoteAddress ?? '';
  const fields = { event: route, actor: seen?.caller?.id };
  count(route ?? 'none', reply.statusCode, logAnswer(log, { request, reply, seen, address, fields }));
};

const write = (reply: FastifyReply, { status, body, headers = {} }: RouteAnswer): FastifyReply =>
  reply.code(status).header('cache-control', 'no-store').headers(headers).send(body);

/**
 * Between Fastify and the rooms: mounts the route table, builds requests, asks who calls, writes answers and the one log line.
 * What every route needs is here, so that no room can forget it. It knows no use case.
 */
import type { IncomingMessage } from 'node:http';
import { type ErrorTexts, Problem, sdkHeaderName } from '@sallyport/contract';
import { changesSomething, type RouteDefinition, type RouteId, routePath } from '@sallyport/contract/routes';
import type { Log } from '@sallyport/kit/log';
import { installErrorHandler } from '@sallyport/kit/problem';
import type { Random } from '@sallyport/kit/random';
import type { OpenSpan } from '@sallyport/kit/spans';
import { childOf } from '@sallyport/kit/traceparent';
import type { ActContext } from '@sallyport/storage/contracts/store';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { assertionHeader, type createClientAddress } from './client-address.ts';
import { type Beginning, logAnswer } from './log-answer.ts';
import type { RequestSpans } from './request-spans.ts';
import type {
  BearerHandler,
  BearerRequest,
  Caller,
  Credentials,
  Handlers,
  OpenHandler,
  RouteAnswer,
  RouteRequest,
} from './route.ts';
import type { PresentedProof } from './tokens/prove-key.ts';
import { setCookieHeader } from './tokens/set-cookie.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly routeId?: RouteId;
  }
}

export interface MountOptions {
  readonly routes: readonly RouteDefinition[];
  readonly handlers: Handlers;
  readonly basePath: string;
  readonly authenticate: (credentials: Credentials) => Promise<Caller>;
  readonly clientAddress: ReturnType<typeof createClientAddress>;
  readonly errorTexts: ErrorTexts;
  readonly routeErrorTexts: Readonly<Partial<Record<RouteId, ErrorTexts>>>;
  readonly cookieSecure: boolean;
  /** What a store outage tells callers to wait. */
  readonly storeRetrySeconds: () => number;
  readonly random: Random;
  readonly log: Log;
  /** Where requests are told as spans; undefined: nowhere. */
  readonly spans?: RequestSpans | undefined;
  /** One call per answered request: for metrics. */
  readonly observe: (route: RouteId | 'none', status: number, seconds: number) => void;
  /** One call per answered request that names its SDK. */
  readonly countSdk: (header: string) => void;
  /** A request that a limit has refused: for the audit. */
  readonly onLimitHit: (route: RouteId, context: ActContext) => void;
  /** Stands around every request that may change something, once it is known who calls. */
  readonly aroundAct: AroundAct;
}

export type AroundAct = <T>(
  act: { readonly name: RouteId; readonly context: ActContext; readonly userId?: string; readonly sessionId?: string },
  run: () => Promise<T>,
) => Promise<T>;

interface Seen extends Beginning {
  readonly address: string | undefined;
  /** Of a request that is recorded. */
  readonly span: OpenSpan | undefined;
  user?: string;
}

const seenRequests = new WeakMap<IncomingMessage, Seen>();

/** Before whatever answers by itself, as preflights are: each request has its line in the log, with its address and time. */
export const watchRequests = (app: FastifyInstance, options: MountOptions): void => {
  app.addHook('onRequest', async (request) => {
    seenRequests.set(request.raw, look(request, options));
    // After the look: what is refused here has its log line with the address all the same.
    singleHeader(request, assertionHeader);
  });
  app.addHook('onResponse', async (request, reply) => observe(request, reply, options));
};

export const mountRoutes = (app: FastifyInstance, options: MountOptions): void => {
  for (const route of options.routes) {
    const handler = options.handlers[route.id];
    if (handler !== undefined) mountRoute(app, route, handler, options);
  }
};

const look = (request: FastifyRequest, { clientAddress, random, spans }: MountOptions): Seen => {
  const startedMs = performance.now();
  const { address, byGateway } = clientAddress({
    method: request.method,
    target: request.raw.url ?? '/',
    assertion: onlyValue(request, assertionHeader),
    socketAddress: request.raw.socket.remoteAddress,
  });
  const trace = childOf(request.headers['traceparent'], random);
  return { startedMs, address, trace, span: spans?.begin(trace, byGateway) };
};

/** What ties a line of the log to the request that is answered meanwhile. */
export const traceFieldsOf = (req: IncomingMessage): Readonly<Record<string, string>> => {
  const seen = seenRequests.get(req);
  return seen === undefined ? {} : { traceId: seen.trace.traceId, spanId: seen.trace.spanId };
};

const observe = (request: FastifyRequest, reply: FastifyReply, options: MountOptions): void => {
  const { log, observe: count, countSdk, spans } = options;
  const seen = seenRequests.get(request.raw);
  const route = request.routeOptions.config.routeId;
  const sdk = onlyValue(request, sdkHeaderName);
  if (sdk !== undefined) countSdk(sdk);
  if (seen?.span !== undefined) spans?.end(seen.span, request, reply.statusCode);
  const fields = { event: route, user: seen?.user };
  const seconds = logAnswer(log, { request, reply, seen, address: seen?.address ?? '', fields });
  count(route ?? 'none', reply.statusCode, seconds);
};

/** Each route has a scope of its own, so that a preset's text may differ by route. */
const mountRoute = (
  app: FastifyInstance,
  route: RouteDefinition,
  given: OpenHandler | BearerHandler,
  options: MountOptions,
): void => {
  const handler = changesSomething(route) ? writtenDown(route, given, options) : given;
  const own = options.routeErrorTexts[route.id];
  app.register(async (scope) => {
    const { log, spans } = options;
    if (own !== undefined)
      installErrorHandler(scope, { texts: { ...options.errorTexts, ...own }, log, about: traceFieldsOf });
    scope.route({
      method: route.method,
      url: routePath(route, options.basePath),
      config: { routeId: route.id },
      schema: {
        ...(route.body && { body: route.body }),
        ...(route.params && { params: route.params }),
        response: route.answers,
      },
      ...(route.bodyOptional && { preValidation: takeMissingBodyAsEmpty }),
      handler: async (request, reply) => {
        const built = buildRequest(request, options);
        const act = () =>
          route.bearer
            ? callBearer(handler, built, request, options)
            : (handler as OpenHandler)(built).catch(translateOutage(options));
        const span = seenRequests.get(request.raw)?.span;
        const acting = spans === undefined || span === undefined ? act() : spans.within(span, act);
        return writeAnswer(reply, await acting.catch(noteLimit(route, built, options)), options);
      },
    });
  });
};

/** Here, and not in the rooms: no route that changes something can be without it. */
const writtenDown =
  ({ id: name }: RouteDefinition, handler: OpenHandler | BearerHandler, { aroundAct }: MountOptions) =>
  (request: RouteRequest | BearerRequest): Promise<RouteAnswer> => {
    const caller = 'caller' in request ? request.caller : undefined;
    const who = caller && { userId: caller.user.id, sessionId: caller.session.id };
    return aroundAct({ name, context: request.context, ...who }, () => handler(request as BearerRequest));
  };

const takeMissingBodyAsEmpty = async (request: FastifyRequest): Promise<void> => {
  // A body that says `null` is there, and of the wrong form.
  if (request.body === undefined) request.body = {};
};

const callBearer = async (
  handler: OpenHandler | BearerHandler,
  built: RouteRequest,
  request: FastifyRequest,
  options: MountOptions,
): Promise<RouteAnswer> => {
  try {
    const { proof } = built;
    const caller = await options.authenticate({ authorization: singleHeader(request, 'authorization'), proof });
    built.noteUser(caller.user.id);
    return await handler({ ...built, caller });
  } catch (error) {
    return translateOutage(options)(error);
  }
};

/** A store that cannot answer is 503 with Retry-After, whatever the route; never a verdict. */
const translateOutage =
  ({ storeRetrySeconds }: MountOptions) =>
  (error: unknown): never => {
    if (!(error instanceof StoreUnavailable)) throw error;
    throw new Problem('store_unavailable', { retryAfterSeconds: storeRetrySeconds(), cause: error });
  };

/** Whatever limit refuses it, and whoever knows of that limit: none goes unnoticed. */
const noteLimit =
  ({ id }: RouteDefinition, { context }: RouteRequest, { onLimitHit }: MountOptions) =>
  (error: unknown): never => {
    if (error instanceof Problem && error.code === 'rate_limited') onLimitHit(id, context);
    throw error;
  };

const buildRequest = (request: FastifyRequest, options: MountOptions): RouteRequest => {
  const seen = seenRequests.get(request.raw) ?? look(request, options);
  const userAgent = request.headers['user-agent']?.slice(0, userAgentLimit);
  const origin = {
    ...(seen.address !== undefined && { address: seen.address }),
    ...(userAgent !== undefined && { userAgent }),
  };
  const context: ActContext = { requestId: request.id, actor: 'user', ...origin };
  return {
    body: (request.body ?? {}) as Readonly<Record<string, unknown>>,
    params: (request.params ?? {}) as Readonly<Record<string, string>>,
    header: (name) => singleHeader(request, name),
    cookieHeader: request.headers.cookie,
    proof: proofOf(request),
    context,
    origin,
    noteUser: (userId) => {
      seen.user = userId;
    },
  };
};

/** RFC 9449 §4.3: "There is not more than one DPoP HTTP request header field." */
const proofOf = (request: FastifyRequest): PresentedProof | undefined => {
  const proof = singleHeader(request, 'dpop');
  return proof === undefined ? undefined : { proof, method: request.method, target: request.raw.url ?? '/' };
};

const userAgentLimit = 500;

/** Undefined where it is missing or doubled. */
const onlyValue = (request: FastifyRequest, name: string): string | undefined => {
  const values = request.raw.headersDistinct[name];
  return values?.length === 1 ? values[0] : undefined;
};

/** Node joins repeated headers with a comma or keeps the first: both would be a guess, so a doubled one is refused. */
const singleHeader = (request: FastifyRequest, name: string): string | undefined => {
  const values = request.raw.headersDistinct[name];
  if (values !== undefined && values.length > 1) throw new Problem('header_invalid', { params: { header: name } });
  return values?.[0];
};

const writeAnswer = (reply: FastifyReply, answer: RouteAnswer, options: MountOptions): FastifyReply => {
  reply.code(answer.status);
  // RFC 9700 §4.3.1 and RFC 6749 §5.1: answers with tokens are not stored by anybody on the way.
  reply.header('cache-control', 'no-store');
  reply.headers(answer.headers ?? {});
  const cookies = (answer.cookies ?? []).map((cookie) => setCookieHeader(cookie, options.cookieSecure));
  if (cookies.length > 0) reply.header('set-cookie', cookies);
  return reply.send(answer.body);
};

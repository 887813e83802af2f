import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Problem } from '@sallyport/contract';
import { createGuard, problemAnswer, traceFields } from '@sallyport/verify';
import { guardFastify } from '@sallyport/verify/fastify';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify';
import type { ServiceMetrics } from './metrics.ts';
import { problemFromError } from './problem-from-error.ts';
import type { ServiceSettings } from './settings.ts';
import { serviceTexts } from './texts.ts';
import { createUuidv7 } from './uuid.ts';

/** A Fastify app whose handlers see bodies and queries as their TypeBox schemas describe them. */
export type ServiceApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface AppParts {
  /** The service's id at the gateway, and its name in `/health`. */
  readonly name: string;
  readonly settings: ServiceSettings;
  readonly metrics: ServiceMetrics;
  readonly isReady: () => boolean;
}

const bodyLimitBytes = 16_384;

/** Fastify converts and drops by default; here what is not exactly as described is refused. */
export const strictFastify = (name: string, { logLevel }: ServiceSettings) =>
  ({
    logger: {
      name,
      level: logLevel,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
    },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    genReqId: createUuidv7(() => Date.now()),
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
      const { status, headers, body } = problemAnswer(problemFromError(error), serviceTexts, request.id);
      void reply.code(status).headers(headers).send(Buffer.from(body));
    },
  }) as const;

/** The app with guard, `/health` and `/ready`; the service adds its routes, all of them guarded. */
export const createApp = async (parts: AppParts): Promise<ServiceApp> => {
  const { name, settings } = parts;
  const app = Fastify(strictFastify(name, settings)).withTypeProvider<TypeBoxTypeProvider>();
  answerProblems(app);
  observe(app, parts.metrics);
  await app.register(guardFastify(createServiceGuard(parts)));
  app.get('/health', () => ({ status: 'healthy', service: name }));
  app.get('/ready', () => {
    if (!parts.isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
  return app;
};

/**
 * The one line that makes a service safe to put behind the gateway: strict mode, so the signed assertion alone says who
 * calls. `X-User-Id` and the like are never read, since anyone who reaches this port can write them.
 */
const createServiceGuard = ({ name, settings, metrics }: AppParts) =>
  createGuard({
    service: name,
    keys: settings.assertionKeys,
    clock: { nowMs: () => Date.now() + settings.clockOffsetMs },
    leewaySeconds: settings.leewaySeconds,
    texts: serviceTexts,
    unguarded: ['GET /health', 'GET /ready'],
    onRefusal: metrics.countRefusal,
  });

/** Every error leaves as problem+json (RFC 9457); what is our fault is logged with its cause and answered without it. */
export const answerProblems = (app: ServiceApp): void => {
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, request, reply) => {
    const problem = problemFromError(error);
    if (problem.status >= 500)
      request.log.error(
        { ...traceFields(request), err: problem.cause ?? problem, code: problem.code },
        'request failed',
      );
    const { status, headers, body } = problemAnswer(problem, serviceTexts, request.id);
    return reply.code(status).headers(headers).send(Buffer.from(body));
  });
  app.setNotFoundHandler(() => {
    throw new Problem('route_unknown');
  });
};

/**
 * One log line and one observation for each request, with the route's pattern, never the target: it may hold ids. The trace's id is the
 * same in the gateway's line.
 */
const observe = (app: ServiceApp, metrics: ServiceMetrics): void => {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    const seconds = reply.elapsedTime / 1000;
    metrics.observe({ method: request.method, route, status: reply.statusCode, seconds });
    request.log.info(
      { ...traceFields(request), method: request.method, route, status: reply.statusCode, seconds },
      'request',
    );
    done();
  });
};

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type ErrorCode, Problem } from '@sallyport/contract';
import { createServiceServer } from '@sallyport/example-kit/tls';
import { createGuard, type OnRefusal, problemAnswer, traceFields } from '@sallyport/verify';
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
import type { BackendSettings } from './settings.ts';

/** A Fastify app whose handlers see bodies and queries as their TypeBox schemas describe them. */
export type BackendApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** The backend's id at the gateway: `aud` of its assertions, and its name in `/health`. */
export const backendName = 'backend';
const bodyLimitBytes = 16_384;

/**
 * The one line that makes the backend safe wherever it can be reached: strict mode, so the signed assertion alone says who calls
 * and with which roles. `X-User-Id`, `X-Roles` and `X-Permissions` are not read: anyone who reaches this port can write them.
 */
export const guardBackend = async (app: BackendApp, settings: BackendSettings, onRefusal: OnRefusal): Promise<void> => {
  const guard = createGuard({
    service: backendName,
    keys: settings.assertionKeys,
    clock: { nowMs: () => Date.now() + settings.clockOffsetMs },
    leewaySeconds: settings.leewaySeconds,
    unguarded: ['GET /health', 'GET /ready'],
    onRefusal,
  });
  await app.register(guardFastify(guard));
};

/** Fastify's own errors that are the caller's doing. Whatever is not listed is our fault: 500, and nothing more is said. */
const callersDoing: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body_invalid',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_invalid',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_invalid',
  FST_ERR_BAD_URL: 'path_refused',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
};

/** Fastify without what it converts and drops by default; every error is problem+json (RFC 9457). */
export const createBackendApp = ({ logLevel, tls }: BackendSettings): BackendApp => {
  const app = Fastify({
    // Keep-alive: longer than the gateway keeps a connection idle. It is not us who close while a request is on its way.
    serverFactory: (handler) => createServiceServer(tls, { requestTimeout: 30_000, keepAliveTimeout: 65_000 }, handler),
    logger: { name: backendName, level: logLevel, formatters: { level: (label: string) => ({ level: label }) } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void => {
      const answer = problemAnswer(problemFromError(error));
      void reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, request, reply) => {
    const problem = problemFromError(error);
    if (problem.status >= 500)
      request.log.error(
        { ...traceFields(request), err: problem.cause ?? problem, code: problem.code },
        'request failed',
      );
    const answer = problemAnswer(problem);
    return reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body));
  });
  app.setNotFoundHandler(() => {
    throw new Problem('route_unknown');
  });
  return app;
};

const problemFromError = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const { code, statusCode, validation } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const fields = validation.map(({ instancePath, keyword }) => ({ path: instancePath.slice(0, 200), code: keyword }));
    return new Problem('field_invalid', { fields });
  }
  const known = callersDoing[code ?? ''] ?? (statusCode === 400 ? 'body_invalid' : 'internal_error');
  return new Problem(known, { cause: error });
};

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type ErrorCode, Problem } from '@sallyport/contract';
import { problemAnswer } from '@sallyport/verify';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify';

/** A Fastify app whose handlers see bodies and queries as their TypeBox schemas describe them. */
export type PageApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

const bodyLimitBytes = 4_096;

/** Fastify's own errors that are the caller's doing. Whatever is not listed is our fault: 500, and nothing more is said. */
const callersDoing: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_invalid',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_invalid',
  FST_ERR_BAD_URL: 'path_refused',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
};

/** Fastify without what it converts and drops by default; errors are problem+json, and `headers` stand on every answer. */
export const createPageApp = (name: string, logLevel: string, headers: Readonly<Record<string, string>>): PageApp => {
  const app = Fastify({
    logger: { name, level: logLevel, formatters: { level: (label: string) => ({ level: label }) } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: 30_000,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void => {
      const answer = problemAnswer(problemFromError(error));
      void reply
        .code(answer.status)
        .headers({ ...headers, ...answer.headers })
        .send(Buffer.from(answer.body));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemFromError(error);
    if (problem.status >= 500)
      request.log.error({ err: problem.cause ?? problem, code: problem.code }, 'request failed');
    const answer = problemAnswer(problem);
    return reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body));
  });
  return app;
};

const problemFromError = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const fields = validation.map(({ instancePath, keyword }) => ({ path: instancePath.slice(0, 200), code: keyword }));
    return new Problem(validationContext === 'querystring' ? 'query_invalid' : 'field_invalid', { fields });
  }
  const known = callersDoing[code ?? ''] ?? (statusCode === 400 ? 'body_invalid' : 'internal_error');
  return new Problem(known, { cause: error });
};

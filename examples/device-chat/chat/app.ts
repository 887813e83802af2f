import type { IncomingMessage, ServerResponse } from 'node:http';
import fastifyCors from '@fastify/cors';
import fastifyRateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type ErrorCode, type ErrorTexts, Problem } from '@sallyport/contract';
import { createServiceServer } from '@sallyport/example-kit/tls';
import { type Guard, problemAnswer, traceFields } from '@sallyport/verify';
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
import type { ChatSettings } from './settings.ts';

/** A Fastify app whose handlers see bodies and queries as their TypeBox schemas describe them. */
export type ChatApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export const chatName = 'chat-service';
const bodyLimitBytes = 32_768;

const request = { error: 'invalid request' };
const token = { error: 'invalid or expired token' };

/** contracts/device-chat.md, literally. */
export const chatTexts: ErrorTexts = {
  token_missing: { error: 'missing authorization header' },
  authorization_malformed: { error: 'invalid authorization header format' },
  token_invalid: token,
  token_expired: token,
  token_revoked: token,
  token_stale: token,
  proof_required: token,
  proof_invalid: token,
  proof_replayed: token,
  body_invalid: request,
  field_invalid: request,
  field_missing: request,
  query_invalid: request,
  already_exists: { error: 'room exists' },
  quota_reached: { error: 'too many rooms' },
  media_type_unsupported: request,
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

const send = (reply: FastifyReply, problem: Problem): FastifyReply => {
  const answer = problemAnswer(problem, chatTexts);
  return reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body));
};

/** Fastify without what it converts and drops by default; every error is problem+json (RFC 9457). */
export const createChatApp = (
  { logLevel, tls }: Pick<ChatSettings, 'logLevel' | 'tls'>,
  isHandshake: (request: IncomingMessage) => boolean = () => false,
): ChatApp => {
  const app = Fastify({
    serverFactory: (handler) =>
      createServiceServer(tls, { requestTimeout: 30_000, shouldUpgradeCallback: isHandshake }, handler),
    logger: { name: chatName, level: logLevel, formatters: { level: (label: string) => ({ level: label }) } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void => {
      void send(reply, problemFromError(error));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, request, reply) => {
    const problem = problemFromError(error);
    if (problem.status >= 500 && problem.code !== 'not_ready')
      request.log.error(
        { ...traceFields(request), err: problem.cause ?? problem, code: problem.code },
        'request failed',
      );
    return send(reply, problem);
  });
  app.setNotFoundHandler(() => {
    throw new Problem('route_unknown');
  });
  return app;
};

/** In this order: pages of other origins, who calls, how often. */
export const guardChat = async (app: ChatApp, guard: Guard, settings: ChatSettings): Promise<void> => {
  const { corsOrigins, requestsPerMinute } = settings;
  await app.register(fastifyCors, {
    origin: [...corsOrigins],
    // The client calls every server alike, with credentials; of cookies this one reads none.
    credentials: true,
    methods: ['GET', 'POST'],
    allowedHeaders: ['authorization', 'content-type', 'x-csrf-token', 'dpop'],
    exposedHeaders: ['retry-after'],
    maxAge: 600,
  });
  await app.register(guardFastify(guard));
  if (requestsPerMinute === 0) return;
  await app.register(fastifyRateLimit, {
    max: requestsPerMinute,
    timeWindow: 60_000,
    // Behind the guard: nobody has a limit but those who call.
    hook: 'preHandler',
    keyGenerator: ({ identity, ip }) => (identity?.kind === 'user' ? identity.userId : ip),
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)) }),
  });
};

/**
 * Problems on the wire: every error answer of both servers is RFC 9457 problem details with a code of the catalogue.
 * `installProblemHandler` and `fastifyProblemOptions` do it for Fastify, `writeProblem` and `answerClientError` for `node:http`.
 * Never: lets a library's message, a stack or a cause out. What is not a `Problem` is 500 `Internal server error`, its cause in the log.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorTexts, Problem, problemContentType, problemDetails } from '@sallyport/contract';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import { answerClientError } from './problem-client-error.ts';
import { problemFromError } from './problem-from-error.ts';
import { problemHeaders } from './problem-headers.ts';

export { answerClientError } from './problem-client-error.ts';
export { problemFromError } from './problem-from-error.ts';
export { problemHeaders } from './problem-headers.ts';

/** The part of a log that is needed here; a `Log` of `kit/log` fits. */
export interface ProblemLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface ProblemHandlerOptions {
  /** The preset's texts; without an entry `error` is the catalogue's title. */
  readonly texts: ErrorTexts;
  readonly log: ProblemLog;
  /** Further members of the line that tells of a fault of ours: what ties it to the request's own. */
  readonly about?: (req: IncomingMessage) => Readonly<Record<string, string>>;
}

/** Any app, whatever its logger and type provider. */
type App<Logger extends FastifyBaseLogger, Provider extends FastifyTypeProvider> = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  Logger,
  Provider
>;

/** Sets the error handler and the not-found handler (404 `route_unknown` with `path`, no query) of a Fastify app. */
export const installProblemHandler = <Logger extends FastifyBaseLogger, Provider extends FastifyTypeProvider>(
  app: App<Logger, Provider>,
  options: ProblemHandlerOptions,
): void => {
  installErrorHandler(app, options);
  app.setNotFoundHandler(function answerUnknownRoute(request, reply) {
    const [path = '/'] = request.url.split('?', 1);
    return sendProblem(new Problem('route_unknown', { extensions: { path } }), request, reply, options);
  });
};

/** The error handler alone: for a scope inside an app whose texts differ from the app's. */
export const installErrorHandler = <Logger extends FastifyBaseLogger, Provider extends FastifyTypeProvider>(
  app: App<Logger, Provider>,
  options: ProblemHandlerOptions,
): void => {
  app.setErrorHandler(function answerError(error, request, reply) {
    return sendProblem(error, request, reply, options);
  });
};

/**
 * What Fastify answers before any handler, as problems too: to be spread into its constructor options.
 * Fastify's own 503 while closing is off: `kit/listener` lets accepted requests finish and ends the connections.
 */
export const fastifyProblemOptions = (options: ProblemHandlerOptions) =>
  ({
    return503OnClosing: false,
    clientErrorHandler: (error: Error & { code?: string }, socket: Socket): void =>
      answerClientError(error, socket, options.texts),
    frameworkErrors: (
      error: Error,
      request: { readonly id: string },
      reply: { readonly raw: ServerResponse },
    ): void => {
      const problem = problemFromError(error);
      logServerFault(problem, { requestId: request.id }, options.log);
      writeProblem(reply.raw, problem, options.texts, request.id);
    },
  }) as const;

interface AnsweredRequest {
  readonly id: string;
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly bodyLimit?: number | undefined };
}

/** The part of Fastify's reply that is used here, whatever the app's logger and type provider. */
interface Reply {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
}

const sendProblem = (error: unknown, request: AnsweredRequest, reply: Reply, options: ProblemHandlerOptions) => {
  const problem = problemFromError(error, { bodyLimitBytes: request.routeOptions.bodyLimit });
  logServerFault(problem, { requestId: request.id, ...options.about?.(request.raw) }, options.log);
  const body = JSON.stringify(problemDetails(problem, options.texts, request.id));
  // A string: no response schema of the route may reshape an error.
  reply.code(problem.status);
  reply.headers({ ...problemHeaders(problem), 'content-type': problemContentType });
  return reply.send(body);
};

const logServerFault = (problem: Problem, about: Readonly<Record<string, string>>, log: ProblemLog): void => {
  if (problem.status < 500) return;
  log.error({ ...about, code: problem.code, err: problem.cause ?? problem }, 'request failed');
};

/**
 * Answers with a problem on a plain `node:http` response; adds to headers already set on it.
 * Where the response has begun, nothing can be said any more and the connection is cut, so that no half answer looks whole.
 */
export const writeProblem = (res: ServerResponse, problem: Problem, texts: ErrorTexts, requestId?: string): void => {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(problemDetails(problem, texts, requestId)));
  res.writeHead(problem.status, {
    ...problemHeaders(problem),
    'content-type': problemContentType,
    'content-length': body.length,
  });
  res.end(body);
};

import type { ErrorTexts } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Log } from '@sallyport/kit/log';
import { fastifyProblemOptions, installProblemHandler, type ProblemHandlerOptions } from '@sallyport/kit/problem';
import type { Random } from '@sallyport/kit/random';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { secureHeaders } from './secure-headers.ts';

const bodyLimitBytes = 16_384;

export interface FastifyAppOptions {
  /** The preset's texts. */
  readonly texts: ErrorTexts;
  /** Clients reach it by TLS, wherever that ends. */
  readonly isSecure: boolean;
  /** Default 16 KiB. */
  readonly bodyLimit?: number;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
  /** What ties the line of a failure to its request. */
  readonly about: NonNullable<ProblemHandlerOptions['about']>;
}

/** Fastify converts and drops by default; here what is not exactly as described is refused. */
export const createFastifyApp = (options: FastifyAppOptions): FastifyInstance => {
  const { texts, bodyLimit = bodyLimitBytes, random, clock, log, about } = options;
  const problems = { texts, log, about };
  const headers = secureHeaders(options.isSecure);
  const answers = fastifyProblemOptions(problems);
  const app = Fastify({
    ...answers,
    // No hook has run where the target itself cannot be read.
    frameworkErrors: (error, request, reply) => {
      for (const [name, value] of Object.entries(headers)) reply.raw.setHeader(name, value);
      answers.frameworkErrors(error, request, reply);
    },
    bodyLimit,
    genReqId: () => random.uuidv7(clock.nowMs()),
    logController: new LogController({ disableRequestLogging: true }),
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: true,
        keywords: ['secret'],
      },
    },
  });
  app.removeContentTypeParser('text/plain');
  installProblemHandler(app, problems);
  // First of all hooks: what a later one refuses has them as well.
  app.addHook('onRequest', async (_, reply) => void reply.headers(headers));
  return app;
};

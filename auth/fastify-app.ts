import type { ErrorTexts } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import type { Log } from '@sallyport/kit/log';
import { fastifyProblemOptions, installProblemHandler, type ProblemHandlerOptions } from '@sallyport/kit/problem';
import type { Random } from '@sallyport/kit/random';
import Fastify, { type FastifyInstance, LogController } from 'fastify';

const bodyLimitBytes = 16_384;

export interface FastifyAppOptions {
  /** The preset's texts. */
  readonly texts: ErrorTexts;
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
  const app = Fastify({
    ...fastifyProblemOptions(problems),
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
  return app;
};

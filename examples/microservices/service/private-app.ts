import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Problem } from '@sallyport/contract';
import Fastify from 'fastify';
import { type AppParts, answerProblems, type ServiceApp, strictFastify } from './app.ts';

/**
 * What stands on the private listener (public port + 1000, loopback): metrics, readiness, and what other services may call.
 * No guard here, since the gateway never calls it: a route that does more than tell figures brings its own.
 */
export const createPrivateApp = ({ name, settings, metrics, isReady }: AppParts): ServiceApp => {
  const app = Fastify(strictFastify(name, settings)).withTypeProvider<TypeBoxTypeProvider>();
  answerProblems(app);
  app.get('/health', () => ({ status: 'healthy', service: name }));
  app.get('/ready', () => {
    if (!isReady()) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 'ready' };
  });
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
  return app;
};

import cors from '@fastify/cors';
import { sdkHeaderName } from '@sallyport/contract';
import type { FastifyInstance } from 'fastify';

const maxAgeSeconds = 3600;

/** contracts/microservices.md, Gateway, CORS; the same at the issuer. A foreign origin gets no CORS header at all. */
export const mountCors = async (app: FastifyInstance, origins: readonly string[]): Promise<void> => {
  if (origins.length === 0) return;
  const allowed: ReadonlySet<string | undefined> = new Set(origins);
  await app.register(cors, {
    // A function, not the list: for an origin outside a list the plugin leaves out one header and sends the others.
    origin: (origin, answer) => answer(null, allowed.has(origin)),
    // Otherwise an OPTIONS that is no preflight is answered by the plugin itself, in plain text.
    strictPreflight: false,
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    allowedHeaders: [
      'Origin',
      'Content-Type',
      'Accept',
      'Authorization',
      'X-CSRF-Token',
      'Idempotency-Key',
      'DPoP',
      'Traceparent',
      sdkHeaderName,
    ],
    exposedHeaders: ['Content-Length', 'Content-Type'],
    maxAge: maxAgeSeconds,
  });
};

import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

const maxAgeSeconds = 3600;

/** contracts/microservices.md, Gateway, CORS; the same at the issuer. A foreign origin gets no CORS header at all. */
export const mountCors = async (app: FastifyInstance, origins: readonly string[]): Promise<void> => {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: [...origins],
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    allowedHeaders: ['Origin', 'Content-Type', 'Accept', 'Authorization', 'X-CSRF-Token', 'Idempotency-Key', 'DPoP'],
    exposedHeaders: ['Content-Length', 'Content-Type'],
    maxAge: maxAgeSeconds,
  });
};
